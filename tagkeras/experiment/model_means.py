"""Means of a model over its sizes, so that two models are compared in the same ones."""

from tagkeras.experiment.dataset_results import DatasetResults
from tagkeras.experiment.resampled import Resampled, mean

BILINEAR, USER_BIASED, MULTIPLICATIVE = "bilinear", "user_biased", "multiplicative"
# As they are called in sentences.
TITLES = {BILINEAR: "bilinear", USER_BIASED: "user-biased", MULTIPLICATIVE: "multiplicative"}


def dims_of(results: DatasetResults, model: str) -> set[int]:
    """The embedding sizes that a model was trained in."""
    return {configuration.embedding_dim for configuration in results.sizes_of(model)}


def mean_of(results: DatasetResults, model: str, dims: set[int], metric: str) -> Resampled:
    """The mean of a metric over embedding sizes, in each of them over ranks."""
    return mean(
        [
            mean(
                [
                    results.models[configuration][metric]
                    for configuration in results.sizes_of(model)
                    if configuration.embedding_dim == dim
                ]
            )
            for dim in sorted(dims)
        ]
    )


def shared_dims(results: DatasetResults, model: str, other: str) -> set[int]:
    """The embedding sizes that both models were trained in."""
    return dims_of(results, model) & dims_of(results, other)


def compared(
    results: DatasetResults, model: str, other: str, metric: str
) -> tuple[Resampled, Resampled]:
    """Both models' means of a metric over the embedding sizes that they share."""
    dims = shared_dims(results, model, other)
    return mean_of(results, model, dims, metric), mean_of(results, other, dims, metric)
