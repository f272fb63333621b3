"""Hashtags whose rows of V point in nearly the same direction."""

import dataclasses
from collections.abc import Sequence

import numpy as np


@dataclasses.dataclass(frozen=True)
class Neighbour:
    """A hashtag near another.

    Attributes:
        tag: without #.
        cosine: of the angle between the two rows of V, in [-1, 1].
    """

    tag: str
    cosine: float


@dataclasses.dataclass(frozen=True)
class TagNeighbours:
    """A hashtag and those nearest to it, nearest first."""

    tag: str
    neighbours: tuple[Neighbour, ...]


def find_tag_neighbours(
    vectors: np.ndarray, tags: Sequence[str], queries: Sequence[str], *, k: int = 8
) -> list[TagNeighbours]:
    """Finds the k hashtags nearest to each query by cosine; ties go to the more frequent.

    A row of zeros, a hashtag that was never learned, is near to none and has no neighbours.

    Args:
        vectors: float [Y, d], the hashtags' rows of V, most frequent first.
        tags: the Y hashtags.
        queries: hashtags among them.
        k: neighbours of each; fewer where there are fewer hashtags.

    Raises:
        ValueError: lengths differ, k is below 1, or a query is no hashtag of the vocabulary.
    """
    if vectors.ndim != 2 or len(vectors) != len(tags):
        raise ValueError(f"{len(tags)} hashtags need as many rows, received {vectors.shape}")
    if k < 1:
        raise ValueError(f"k must be at least 1, received {k}")
    id_of = {tag: tag_id for tag_id, tag in enumerate(tags)}
    if missing := [query for query in queries if query not in id_of]:
        raise ValueError(f"{missing[0]!r} is no hashtag of the vocabulary")
    norms = np.linalg.norm(vectors.astype(np.float64), axis=1)
    learned = norms > 0
    units = vectors / np.where(learned, norms, 1.0)[:, np.newaxis]
    found = []
    for query in queries:
        tag_id = id_of[query]
        allowed = learned.copy()
        allowed[tag_id] = False
        ids = np.flatnonzero(allowed) if learned[tag_id] else np.array([], np.int64)
        cosines = np.clip(units[ids] @ units[tag_id], -1, 1)
        nearest = np.argsort(-cosines, kind="stable")[:k]
        found.append(
            TagNeighbours(
                query,
                tuple(Neighbour(tags[ids[place]], float(cosines[place])) for place in nearest),
            )
        )
    return found
