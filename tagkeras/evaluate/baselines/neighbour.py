"""The tags of the training posts whose images are most alike."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import tensorflow as tf

from tagkeras.evaluate.baselines.baseline import Baseline
from tagkeras.evaluate.baselines.best_tags import best_tags
from tagkeras.retrieval import top_k

NEIGHBOURS = 50


class NeighbourBaseline(Baseline):
    """Nearest neighbours in descriptor space: their tags, each with its neighbours' similarity.

    A tag's score is the sum of the cosines of those of the `neighbours` nearest training images
    that have it; images at a right angle or beyond do not count. Users play no part in it. What is
    left of the k is filled up with the most frequent tags of the posts that are looked at.

    Args:
        num_posts: training posts that there are.
        most_posts: how many of them to look at, drawn at random; the search is exact among them.
        num_tags: Y.
        k: how many tags for each post.
        neighbours: how many images vote.
        seed: of the draw.

    References:
        Makadia, Pavlovic and Kumar, "A New Baseline for Image Annotation" (ECCV 2008).
    """

    name = "neighbour_baseline"

    def __init__(
        self,
        *,
        num_posts: int,
        most_posts: int,
        num_tags: int,
        k: int,
        neighbours: int = NEIGHBOURS,
        seed: int = 0,
    ) -> None:
        rng = np.random.default_rng(seed)
        self._is_taken = np.ones(num_posts, bool)
        if num_posts > most_posts:
            self._is_taken[rng.permutation(num_posts)[most_posts:]] = False
        self._seen = 0
        self._num_tags = num_tags
        self._k = k
        self._neighbours = neighbours
        self._descriptors: list[np.ndarray] = []
        self._tags: list[np.ndarray] = []
        self._num_tags_of: list[np.ndarray] = []
        self._index: _Index | None = None

    @property
    def num_posts(self) -> int:
        """How many training posts are looked at."""
        return int(self._is_taken.sum())

    def learn(self, batch: Mapping[str, Any]) -> None:
        """Adds training posts, in the order of the split: `descriptor` and `tags`."""
        size = len(batch["descriptor"])
        taken = np.flatnonzero(self._is_taken[self._seen : self._seen + size])
        self._seen += size
        tags = tf.gather(batch["tags"], taken)
        self._descriptors.append(_normalize(batch["descriptor"].numpy()[taken]))
        self._tags.append(tags.flat_values.numpy())
        self._num_tags_of.append(tags.row_lengths().numpy())

    def rank(self, batch: Mapping[str, Any]) -> np.ndarray:
        """See `Baseline.rank`."""
        if self._index is None:
            self._index = _Index(
                np.concatenate(self._descriptors),
                np.concatenate(self._tags),
                np.concatenate(self._num_tags_of),
                self._num_tags,
                self._neighbours,
            )
            self._descriptors.clear()
        descriptors = _normalize(batch["descriptor"].numpy())
        rows, tags, votes = self._index.votes(descriptors)
        return best_tags(
            rows, tags, votes, num_rows=len(descriptors), prior=self._index.prior, k=self._k
        )


class _Index:
    """Training images and their tags, ready to be searched."""

    def __init__(
        self,
        descriptors: np.ndarray,
        tags: np.ndarray,
        num_tags_of: np.ndarray,
        num_tags: int,
        neighbours: int,
    ) -> None:
        self._table = tf.constant(descriptors)
        self._tags = tags
        self._starts = np.concatenate([[0], np.cumsum(num_tags_of)])
        # Less than any vote: the order of the tags that have none.
        counts = np.bincount(tags, minlength=num_tags)
        self.prior = 1e-9 * counts / max(counts.max(initial=0), 1)
        k = min(neighbours, len(descriptors))
        self._search = tf.function(lambda queries: top_k(queries, self._table, k))

    def votes(self, queries: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """The tags of the neighbours: of each vote its query's row, its tag and its weight."""
        cosines, posts = (tensor.numpy() for tensor in self._search(tf.constant(queries)))
        rows = np.repeat(np.arange(len(queries)), posts.shape[1])
        cosines, posts = cosines.ravel(), posts.ravel()
        lengths = np.where(cosines > 0, self._starts[posts + 1] - self._starts[posts], 0)
        # Of each neighbour, the places of its tags in the list of all tags.
        ends = np.cumsum(lengths)
        within = np.arange(ends[-1] if len(ends) else 0) - np.repeat(ends - lengths, lengths)
        places = np.repeat(self._starts[posts], lengths) + within
        return np.repeat(rows, lengths), self._tags[places], np.repeat(cosines, lengths)


def _normalize(descriptors: np.ndarray) -> np.ndarray:
    norms = np.linalg.norm(descriptors, axis=1, keepdims=True)
    return descriptors / np.maximum(norms, 1e-12)
