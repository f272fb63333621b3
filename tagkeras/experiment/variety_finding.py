"""The finding about how varied predictions are."""

from tagkeras.experiment.dataset_results import DatasetResults
from tagkeras.experiment.finding import Finding, make_finding
from tagkeras.experiment.model_means import TITLES, dims_of, mean_of


def more_varied_on_balanced(
    natural: DatasetResults, balanced: DatasetResults, model: str, statistic: str
) -> Finding | None:
    """Predictions are more varied on the balanced distribution.

    Args:
        natural: results of that distribution.
        balanced: results of that distribution.
        model: all its sizes.
        statistic: `entropy` or `coverage`.
    """
    metric = f"{statistic}@{natural.ks[-1]}"
    dims = dims_of(natural, model) & dims_of(balanced, model)
    if not dims:
        return None
    before, after = (mean_of(data, model, dims, metric) for data in (natural, balanced))
    is_bits = statistic == "entropy"
    levels = [
        f"{data.value:.2f} bits" if is_bits else f"{100 * data.value:.1f}% of the vocabulary"
        for data in (after, before)
    ]
    return make_finding(
        f"{model}_{statistic}_higher_on_balanced",
        f"The {TITLES[model]} model's predictions are more varied on balanced data ({statistic})",
        [natural.name, balanced.name],
        {metric: after - before},
        unit="bits" if is_bits else "fraction",
        text=f"{TITLES[model]}, {levels[0]} on balanced data against {levels[1]} on natural data",
    )
