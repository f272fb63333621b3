"""Pairs of a post and one of its tags that rows for new tags learn from, as arrays."""

from typing import NamedTuple

import numpy as np

from tagkeras.add_tags.embedded_posts import EmbeddedPosts
from tagkeras.losses import rank_weight

# Posts that are scored at once.
_CHUNK = 1024


class Pool(NamedTuple):
    """Known tags that stand for all Y of them.

    Attributes:
        rows: float32 [N, d].
        column: int64 [Y], the place of each known tag in the pool, -1 for the others.
    """

    rows: np.ndarray
    column: np.ndarray

    @classmethod
    def draw(cls, table: np.ndarray, size: int, rng: np.random.Generator) -> "Pool":
        """`size` different tags of a table [Y, d], or all, if there are no more."""
        num_tags = len(table)
        ids = rng.choice(num_tags, size, replace=False) if size < num_tags else np.arange(num_tags)
        column = np.full(num_tags, -1, np.int64)
        column[ids] = np.arange(len(ids))
        return cls(table[ids], column)

    @property
    def tags_for_one(self) -> float:
        """Y / N: how many known tags each tag of the pool stands for."""
        return len(self.column) / len(self.rows)

    def own(self, tags: list[list[int]]) -> np.ndarray:
        """Which tags of the pool some posts have, bool [posts, N]."""
        own = np.zeros((len(tags), len(self.rows)), bool)
        for row, ids in enumerate(tags):
            columns = self.column[[tag for tag in ids if tag < len(self.column)]]
            own[row, columns[columns >= 0]] = True
        return own


class NewPairs(NamedTuple):
    """E pairs of an example and a new tag of it; arrays of posts stand beside them.

    Attributes:
        post: int64 [E], row of the examples.
        tag: int64 [E], 0 to T - 1.
    """

    post: np.ndarray
    tag: np.ndarray

    @classmethod
    def find(cls, examples: EmbeddedPosts, num_known: int) -> "NewPairs":
        """All of them; the id of new tag t is `num_known` + t."""
        pairs = [
            (post, tag - num_known)
            for post, tags in enumerate(examples.tags)
            for tag in tags
            if tag >= num_known
        ]
        return cls(*np.array(pairs, np.int64).reshape(-1, 2).T)


class KnownPairs(NamedTuple):
    """R pairs of a post and a known tag of it.

    Attributes:
        post: int64 [R], row of the posts.
        threshold: float32 [R], f(y+) - margin: a new tag that scores above it violates.
        weight: float32 [R], L(V + 1) / (V + 1) for the V known tags that violate as well: what WARP
            expects to weigh one of V + 1 violators by.
    """

    post: np.ndarray
    threshold: np.ndarray
    weight: np.ndarray

    @classmethod
    def find(
        cls, posts: EmbeddedPosts, table: np.ndarray, pool: Pool, margin: float
    ) -> "KnownPairs":
        """All of them, for a table [Y, d]; V is estimated from the pool."""
        found = []
        for start in range(0, len(posts.tags), _CHUNK):
            phi, tags = posts.phi[start : start + _CHUNK], posts.tags[start : start + _CHUNK]
            known = [[tag for tag in ids if tag < len(table)] for ids in tags]
            post = np.repeat(np.arange(len(known)), [len(ids) for ids in known])
            tag = np.array([tag for ids in known for tag in ids], np.int64)
            scores = phi @ pool.rows.T
            scores[pool.own(known)] = -np.inf
            threshold = np.einsum("rd,rd->r", phi[post], table[tag]) - margin
            violators = np.sum(scores[post] > threshold[:, np.newaxis], axis=1) * pool.tags_for_one
            rank = np.rint(violators).astype(np.int64) + 1
            found.append((post + start, threshold, rank_weight(rank).numpy() / rank))
        post, threshold, weight = (np.concatenate(parts) for parts in zip(*found, strict=True))
        return cls(post, threshold.astype(np.float32), weight.astype(np.float32))
