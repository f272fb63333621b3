"""How well each model recalls single tags."""

import dataclasses
from collections.abc import Mapping

import numpy as np

from tagkeras.evaluate.evaluation import Evaluation
from tagkeras.experiment.runs import Configuration


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class TagRecalls:
    """Recalls of the Y tags of a vocabulary.

    Attributes:
        tags: Y hashtags.
        num_posts: int64 [Y], posts of the split that have each.
        recalls: float64 [Y] by model and size, means over seeds: the share of those posts whose
            first k predictions have the tag; NaN for tags that no post has.
    """

    tags: tuple[str, ...]
    num_posts: np.ndarray
    recalls: Mapping[Configuration, np.ndarray]


class TagRecallCounter:
    """Takes the recalls of runs on the same posts from their `tags.parquet`.

    Args:
        k: how many predictions count.
    """

    def __init__(self, k: int) -> None:
        self._k = k
        self._tags: tuple[str, ...] = ()
        self._num_posts = np.zeros(0, np.int64)
        self._recalls: dict[Configuration, list[np.ndarray]] = {}

    def add(self, configuration: Configuration, evaluation: Evaluation) -> None:
        """Takes those of a run."""
        table = evaluation.tags
        self._tags = tuple(table.column("tag").to_pylist())
        self._num_posts = table.column("truth").to_numpy()
        hits = table.column(f"hits@{self._k}").to_numpy()
        recalls = np.where(self._num_posts > 0, hits / np.maximum(self._num_posts, 1), np.nan)
        self._recalls.setdefault(configuration, []).append(recalls)

    def result(self) -> TagRecalls:
        """Means over the runs of each model and size."""
        return TagRecalls(
            tags=self._tags,
            num_posts=self._num_posts,
            recalls={key: np.mean(found, axis=0) for key, found in self._recalls.items()},
        )
