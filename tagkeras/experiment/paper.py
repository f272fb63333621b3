"""The numbers that the paper reports: its table for the natural distribution.

Denton, Weston, Paluri, Bourdev and Fergus, "User Conditional Hashtag Prediction for Images" (KDD
2015). Their 20 million posts are not public: these are numbers to compare with, not to reach.
"""

from tagkeras.experiment.runs import Configuration

DISTRIBUTION = "natural"
METRICS = ("P@1", "R@10", "A@10")
FREQUENCY_BASELINE = (0.0304, 0.0563, 0.0945)
# Model, d, K, and the metrics in percent.
_TABLE = """
bilinear        64   0  7.37 11.71 18.69
bilinear       128   0  7.37 11.69 18.44
bilinear       256   0  6.75 10.84 17.25
bilinear       512   0  6.50 10.83 17.17
user_biased     64   0  9.02 13.63 21.88
user_biased    128   0  9.00 13.67 21.83
user_biased    256   0  8.48 13.03 20.96
user_biased    512   0  7.98 12.51 20.05
multiplicative  64  50  8.95 13.66 21.82
multiplicative  64 100  9.03 13.81 22.04
multiplicative  64 200  8.96 13.81 22.05
multiplicative  64 300  9.00 13.74 21.96
multiplicative  64 400  8.96 13.65 21.82
"""
# The metrics, fractions, by model and size.
MODELS = {
    Configuration(model=model, embedding_dim=int(dim), rank=int(rank)): tuple(
        round(float(percent) / 100, 4) for percent in percents
    )
    for model, dim, rank, *percents in map(str.split, _TABLE.split("\n")[1:-1])
}


def paper_values(row: Configuration | str, metric: str) -> float | None:
    """What the paper reports for a row of its table, a fraction; None where it reports nothing.

    Args:
        row: a configuration, or the name of a baseline.
        metric: such as `R@10`.
    """
    values: tuple[float, ...] = FREQUENCY_BASELINE if row == "frequency_baseline" else ()
    if isinstance(row, Configuration):
        values = MODELS.get(row, ())
    return values[METRICS.index(metric)] if values and metric in METRICS else None
