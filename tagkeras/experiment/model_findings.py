"""Findings about which model is better, where, and in which size.

Each gives None where the experiment has not what it takes.
"""

from tagkeras.experiment.dataset_results import DatasetResults
from tagkeras.experiment.finding import Finding, make_finding
from tagkeras.experiment.model_means import (
    MULTIPLICATIVE,
    TITLES,
    USER_BIASED,
    compared,
    dims_of,
    shared_dims,
)
from tagkeras.experiment.resampled import Resampled, mean


def model_over_model(results: DatasetResults, model: str, other: str) -> Finding | None:
    """A model is better than another, in the embedding sizes that both have."""
    dims = shared_dims(results, model, other)
    if not dims:
        return None
    gains, levels = {}, {}
    for metric in _headline_first(results):
        better, worse = compared(results, model, other, metric)
        gains[metric], levels[metric] = better - worse, (better.value, worse.value)
    first, second = levels[results.headline]
    return make_finding(
        f"{model}_over_{other}",
        f"The {TITLES[model]} model is better than the {TITLES[other]} one",
        [results.name],
        gains,
        text=f"{TITLES[model]} {100 * first:.1f}% against {TITLES[other]} {100 * second:.1f}% in"
        f" {results.headline}, at {_list_dims(dims)}",
    )


def gain_larger_on_balanced(
    natural: DatasetResults, balanced: DatasetResults, *, relative: bool = False
) -> Finding | None:
    """The multiplicative model gains more over the user-biased one on the balanced distribution.

    Args:
        natural: results of that distribution.
        balanced: results of that distribution.
        relative: compare gains as shares of the user-biased model's metric.
    """
    if any(not shared_dims(data, MULTIPLICATIVE, USER_BIASED) for data in (natural, balanced)):
        return None
    differences = {}
    for metric in _headline_first(natural):
        gains = []
        for data in (balanced, natural):
            better, worse = compared(data, MULTIPLICATIVE, USER_BIASED, metric)
            gains.append((better - worse) / worse if relative else better - worse)
        differences[metric] = gains[0] - gains[1]
    kind = "relative " if relative else ""
    return make_finding(
        f"{kind.strip() or 'absolute'}_gain_larger_on_balanced",
        "The multiplicative model gains more over the user-biased one on balanced than on natural"
        f" data{', relative to the user-biased one' if relative else ''}",
        [natural.name, balanced.name],
        differences,
        unit="ratio" if relative else "fraction",
        text=f"{kind}gain on balanced data less that on natural data",
    )


def larger_embedding(results: DatasetResults, model: str) -> Finding | None:
    """A larger embedding makes a model worse, as in the paper: the largest against the smallest.

    Only ranks that both sizes have count.
    """
    dims = dims_of(results, model)
    if len(dims) < 2:
        return None
    small, large = min(dims), max(dims)
    ranks = [
        {size.rank for size in results.sizes_of(model) if size.embedding_dim == dim}
        for dim in (small, large)
    ]
    shared = ranks[0] & ranks[1]
    if not shared:
        return None

    def of(dim: int, metric: str) -> Resampled:
        sizes = [
            size
            for size in results.sizes_of(model)
            if size.embedding_dim == dim and size.rank in shared
        ]
        return mean([results.models[size][metric] for size in sizes])

    return make_finding(
        f"{model}_larger_d_worse",
        f"The {TITLES[model]} model is worse with the largest embedding than with the smallest",
        [results.name],
        {metric: of(large, metric) - of(small, metric) for metric in _headline_first(results)},
        text=f"{TITLES[model]}, d = {large} less d = {small}",
        sign=-1,
    )


def _headline_first(results: DatasetResults) -> list[str]:
    others = [metric for metric in results.shown_metrics if metric != results.headline]
    return [results.headline, *others]


def _list_dims(dims: set[int]) -> str:
    return "d = " + ", ".join(map(str, sorted(dims)))
