"""Sums over the posts of a dataset, taken in batch by batch."""

import dataclasses

import numpy as np

from beam.inspect.shard_batches import Batch


class ColumnStatistics:
    """Smallest, mean and largest value of each column.

    Args:
        size: columns.
    """

    def __init__(self, size: int) -> None:
        self.minimum = np.full(size, np.inf)
        self.maximum = np.full(size, -np.inf)
        self._sum = np.zeros(size)
        self._rows = 0

    def add(self, values: np.ndarray) -> None:
        """Takes in more rows: float [B, size]."""
        self.minimum = np.minimum(self.minimum, values.min(axis=0, initial=np.inf))
        self.maximum = np.maximum(self.maximum, values.max(axis=0, initial=-np.inf))
        self._sum += values.sum(axis=0, dtype=np.float64)
        self._rows += len(values)

    @property
    def mean(self) -> np.ndarray:
        """Of each column; NaN without rows."""
        return self._sum / self._rows if self._rows else np.full(len(self._sum), np.nan)


@dataclasses.dataclass
class DescriptorStatistics:
    """Of image descriptors.

    Attributes:
        finite: descriptors without NaN and infinity, of which alone the rest is counted.
        norms: sum of their L2 norms.
        values: of all of them together.
        zeros: values that are 0.
        zero_descriptors: with no other value than 0.
    """

    finite: int = 0
    norms: float = 0.0
    values: int = 0
    zeros: int = 0
    zero_descriptors: int = 0

    def add(self, descriptors: np.ndarray) -> None:
        """Takes in more descriptors: float32 [B, n]."""
        norms = np.sqrt(np.einsum("ij,ij->i", descriptors, descriptors, dtype=np.float64))
        if not (finite := np.isfinite(norms)).all():
            descriptors, norms = descriptors[finite], norms[finite]
        self.finite += len(norms)
        self.norms += float(norms.sum())
        self.values += descriptors.size
        self.zeros += descriptors.size - int(np.count_nonzero(descriptors))
        self.zero_descriptors += int((norms == 0).sum())


class TagCounts:
    """How many posts have each tag, with room for the largest id that came."""

    def __init__(self) -> None:
        self._counts = np.zeros(0, np.int64)

    def add(self, ids: np.ndarray) -> None:
        """Takes in more tags: int64 [P], from 0."""
        counts = np.bincount(ids, minlength=len(self._counts))
        counts[: len(self._counts)] += self._counts
        self._counts = counts

    def of(self, num_tags: int) -> np.ndarray:
        """Counts of the first ids: int64 [num_tags]."""
        counts = self._counts[:num_tags]
        return np.pad(counts, (0, num_tags - len(counts)))


@dataclasses.dataclass(frozen=True)
class Sample:
    """A post to show.

    Attributes:
        post_id: for the screen.
        tags: ids.
        removed: ids.
        out_of_vocabulary: number of others.
        country: as stored.
        gender: as stored.
        age: NaN if unknown.
    """

    post_id: str
    tags: list[int]
    removed: list[int]
    out_of_vocabulary: int
    country: str
    gender: str
    age: float


def take_sample(batch: Batch, row: int) -> Sample:
    """A post of a batch."""
    return Sample(
        post_id=batch.text("post_id", row),
        tags=batch.tags.ids[batch.tags.rows == row].tolist(),
        removed=batch.removed.ids[batch.removed.rows == row].tolist(),
        out_of_vocabulary=int(batch.out_of_vocabulary[row]),
        country=batch.text("country", row),
        gender=batch.text("gender", row),
        age=float(batch.parsed["age"][row]),
    )
