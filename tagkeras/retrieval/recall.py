"""What share of the best rows a search of some cells finds, and how many cells a share takes."""

import bisect
import dataclasses
import math

import numpy as np
import tensorflow as tf

from tagkeras.retrieval.cells import Cells
from tagkeras.retrieval.top_k import top_k

# Posts ranked by all hashtags at once.
BATCH = 64
# Of a normal distribution: the true recall lies below `Recall.lower` in about one of twenty cases.
ONE_SIDED_95 = 1.645


@dataclasses.dataclass(frozen=True)
class Recall:
    """How much a search of some cells finds of what a search of all finds.

    Attributes:
        probes: cells that are looked into.
        recall: share of the k best that is found, the mean over posts.
        lower: of the true mean, a bound that holds with about 95% confidence, the posts taken as
            independent.
        scored: share of all rows that is scored, the mean over posts.
    """

    probes: int
    recall: float
    lower: float
    scored: float


@dataclasses.dataclass(frozen=True)
class RecallCurve:
    """Recall by the number of cells that are looked into, from where the best rows of posts are.

    Attributes:
        needed: int [B, k], how many cells have to be looked into until each of the k best rows is
            found.
        scored: float [C], the rows that are scored by looking into 1, 2, ... C cells, the mean over
            posts.
    """

    needed: np.ndarray
    scored: np.ndarray

    @classmethod
    def measure(cls, phi: np.ndarray, table: tf.Variable, cells: Cells, k: int) -> "RecallCurve":
        """Ranks posts by all rows.

        Args:
            phi: float32 [B, d].
            table: float32 [Y, d].
            cells: of its rows.
            k: of the best rows.
        """
        rank = tf.function(lambda some: top_k(some, table, k)[1], reduce_retracing=True)
        sizes = cells.sizes()
        needed, scored = [], np.zeros(len(cells))
        for start in range(0, len(phi), BATCH):
            some = phi[start : start + BATCH]
            best_cells = cells.cell_of_row[rank(tf.constant(some)).numpy()]
            order = np.argsort(-(some @ cells.centroids.T), axis=1, kind="stable")
            place = np.empty_like(order)
            np.put_along_axis(place, order, np.arange(len(cells))[None], axis=1)
            needed.append(1 + np.take_along_axis(place, best_cells, axis=1))
            scored += np.cumsum(sizes[order], axis=1).sum(axis=0)
        return cls(np.concatenate(needed), scored / len(phi))

    def recall(self, probes: int) -> Recall:
        """The recall with so many cells."""
        of_posts = (self.needed <= probes).mean(axis=1)
        lower = 1.0 if probes == len(self.scored) else _lower_bound(of_posts, self.needed.shape[1])
        return Recall(
            probes, float(of_posts.mean()), lower, float(self.scored[probes - 1] / self.scored[-1])
        )

    def choose_probes(self, target: float, fewest: int) -> Recall:
        """As few cells as meet a recall, and not by luck with the posts at hand.

        Args:
            target: that `Recall.lower` has to reach, more than 0 and at most 1. All cells reach 1.
            fewest: cells that have to be looked into in any case.
        """
        every, most = range(len(self.scored) + 1), len(self.scored)
        probes = bisect.bisect_left(every, target, fewest, most, key=lambda n: self.recall(n).lower)
        return self.recall(probes)


def fewest_posts(target: float, k: int) -> int:
    """How many posts can show a recall of k: `Recall.lower` reaches it where they miss nothing.

    Args:
        target: the recall, less than 1.
        k: hashtags in an answer.
    """
    return max(1, math.ceil((1 + ONE_SIDED_95) / (k * (1 - target)) - 1))


def fewest_probes(cells: Cells, k: int) -> int:
    """How many cells have k rows, whichever they are."""
    rows = np.cumsum(np.sort(cells.sizes()))
    return int(np.searchsorted(rows, k)) + 1


def _lower_bound(of_posts: np.ndarray, k: int) -> float:
    """Of the mean recall, as if one more post had missed one of its k: so few never are certain."""
    recalls = np.append(of_posts, 1 - 1 / k)
    error = recalls.std(ddof=1) / len(recalls) ** 0.5
    return max(0.0, float(recalls.mean() - ONE_SIDED_95 * error))
