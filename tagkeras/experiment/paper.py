"""The numbers that the paper reports: its table for the natural distribution.

Denton, Weston, Paluri, Bourdev and Fergus, "User Conditional Hashtag Prediction for Images" (KDD
2015). Their 20 million posts are not public: these are numbers to compare with, not to reach.
"""

from tagkeras.experiment.runs import Configuration

DISTRIBUTION = "natural"
METRICS = ("P@1", "R@10", "A@10")
FREQUENCY_BASELINE = (0.0304, 0.0563, 0.0945)


def _row(
    model: str, embedding_dim: int, rank: int, *values: float
) -> tuple[Configuration, tuple[float, ...]]:
    return Configuration(model=model, embedding_dim=embedding_dim, rank=rank), values


# The values of METRICS, fractions, by model, d and K.
MODELS = dict(
    (
        _row("bilinear", 64, 0, 0.0737, 0.1171, 0.1869),
        _row("bilinear", 128, 0, 0.0737, 0.1169, 0.1844),
        _row("bilinear", 256, 0, 0.0675, 0.1084, 0.1725),
        _row("bilinear", 512, 0, 0.0650, 0.1083, 0.1717),
        _row("user_biased", 64, 0, 0.0902, 0.1363, 0.2188),
        _row("user_biased", 128, 0, 0.0900, 0.1367, 0.2183),
        _row("user_biased", 256, 0, 0.0848, 0.1303, 0.2096),
        _row("user_biased", 512, 0, 0.0798, 0.1251, 0.2005),
        _row("multiplicative", 64, 50, 0.0895, 0.1366, 0.2182),
        _row("multiplicative", 64, 100, 0.0903, 0.1381, 0.2204),
        _row("multiplicative", 64, 200, 0.0896, 0.1381, 0.2205),
        _row("multiplicative", 64, 300, 0.0900, 0.1374, 0.2196),
        _row("multiplicative", 64, 400, 0.0896, 0.1365, 0.2182),
    )
)


def paper_values(row: Configuration | str, metric: str) -> float | None:
    """What the paper reports for a row of its table, a fraction.

    Args:
        row: a configuration, or the name of a baseline.
        metric: such as `R@10`.

    Returns:
        None where it reports nothing.
    """
    values = FREQUENCY_BASELINE if row == "frequency_baseline" else None
    if isinstance(row, Configuration):
        values = MODELS.get(row)
    return values[METRICS.index(metric)] if values and metric in METRICS else None
