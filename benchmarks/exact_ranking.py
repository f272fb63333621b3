"""Exact rankings of whole vocabularies from embeddings, and what they are worth."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

K = 10
BATCH = 256


class Embedded(NamedTuple):
    """Posts and tags in one space: a score is <post, tag> + the tag's bias.

    Attributes:
        posts: float [B, d].
        tags: float [Y, d].
        biases: float [Y], or 0.
    """

    posts: np.ndarray
    tags: np.ndarray
    biases: np.ndarray | float = 0.0

    def scores(self, rows: slice) -> np.ndarray:
        """Of every tag for these posts, [rows, Y]."""
        return self.posts[rows] @ self.tags.T + self.biases


def rank(embedded: Embedded) -> np.ndarray:
    """The ten best tags of each post, best first, ties to the lower id: int [B, 10]."""
    batches = [
        np.argsort(-embedded.scores(slice(start, start + BATCH)), axis=1, kind="stable")[:, :K]
        for start in range(0, len(embedded.posts), BATCH)
    ]
    return np.concatenate(batches)


def score(predictions: np.ndarray, truth: Sequence[np.ndarray]) -> dict[str, float]:
    """P@1, R@10 and A@10 of int [B, 10] predictions, as `tagkeras.evaluate` defines them."""
    hits = np.stack([np.isin(row, tags) for row, tags in zip(predictions, truth, strict=True)])
    found = hits.sum(axis=1)
    values = {
        "P@1": hits[:, 0].mean(),
        f"R@{K}": (found / [len(tags) for tags in truth]).mean(),
        f"A@{K}": (found > 0).mean(),
    }
    return {name: round(float(value), 4) for name, value in values.items()}


def rank_by_frequency(tags: Sequence[np.ndarray], num_tags: int, posts: int) -> np.ndarray:
    """The ten tags that are most frequent in `tags`, for each of so many posts."""
    counts = np.bincount(np.concatenate(tags), minlength=num_tags)
    return np.tile(np.argsort(-counts, kind="stable")[:K], (posts, 1))


def mean_draws(
    embedded: Embedded, tags: Sequence[np.ndarray], margin: float, max_negatives: int
) -> float:
    """How many uniform draws WARP makes on average for the first tag of each post."""
    scores = embedded.scores(slice(None))
    positive = scores[np.arange(len(scores)), [row[0] for row in tags]]
    share = (scores > positive[:, None] - margin).mean(axis=1)
    # The sum of P(no violator in i draws) for i = 0 to max_negatives - 1.
    draws = np.full(len(share), float(max_negatives))
    some = share > 0
    draws[some] = (1 - (1 - share[some]) ** max_negatives) / share[some]
    return round(float(draws.mean()), 1)
