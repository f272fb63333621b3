"""The numbers that the paper reports: its table for the natural distribution.

Denton, Weston, Paluri, Bourdev and Fergus, "User Conditional Hashtag Prediction for Images" (KDD
2015). They are of 20 million posts that are not public: a shape to compare with, not figures to
reach.
"""

from tagkeras.experiment.runs import Configuration

DISTRIBUTION = "natural"
METRICS = ("P@1", "R@10", "A@10")
FREQUENCY_BASELINE = (0.0304, 0.0563, 0.0945)

_SIZES = (64, 128, 256, 512)
_BILINEAR = (
    (0.0737, 0.1171, 0.1869),
    (0.0737, 0.1169, 0.1844),
    (0.0675, 0.1084, 0.1725),
    (0.0650, 0.1083, 0.1717),
)
_USER_BIASED = (
    (0.0902, 0.1363, 0.2188),
    (0.0900, 0.1367, 0.2183),
    (0.0848, 0.1303, 0.2096),
    (0.0798, 0.1251, 0.2005),
)
_RANKS = (50, 100, 200, 300, 400)
_MULTIPLICATIVE = (
    (0.0895, 0.1366, 0.2182),
    (0.0903, 0.1381, 0.2204),
    (0.0896, 0.1381, 0.2205),
    (0.0900, 0.1374, 0.2196),
    (0.0896, 0.1365, 0.2182),
)


def _table() -> dict[Configuration, tuple[float, float, float]]:
    table = {}
    for model, rows in (("bilinear", _BILINEAR), ("user_biased", _USER_BIASED)):
        for dim, row in zip(_SIZES, rows, strict=True):
            table[Configuration(model=model, embedding_dim=dim)] = row
    for rank, row in zip(_RANKS, _MULTIPLICATIVE, strict=True):
        table[Configuration(model="multiplicative", embedding_dim=64, rank=rank)] = row
    return table


# The values of METRICS, fractions, by model and size.
MODELS = _table()


def paper_values(row: Configuration | str, metric: str) -> float | None:
    """What the paper reports for a row of its table, a fraction.

    Args:
        row: a model in a size, or the name of a baseline.
        metric: such as `R@10`.

    Returns:
        None where it reports nothing.
    """
    if metric not in METRICS:
        return None
    column = METRICS.index(metric)
    if isinstance(row, str):
        return FREQUENCY_BASELINE[column] if row == "frequency_baseline" else None
    values = MODELS.get(row)
    return None if values is None else values[column]
