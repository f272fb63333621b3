"""How many cells a search has to look into for a recall."""

import dataclasses

import numpy as np
import tensorflow as tf

from tagkeras.indexing.cells import Cells
from tagkeras.models.top_k import top_k

# Posts ranked by all hashtags at once.
BATCH = 64
# Of a normal distribution: the true recall lies below `Recall.lower` in one of twenty cases.
ONE_SIDED_95 = 1.645


@dataclasses.dataclass(frozen=True)
class Recall:
    """How much a search of some cells finds of what a search of all finds.

    Attributes:
        probes: cells that are looked into.
        recall: share of the k best that is found, the mean over posts.
        lower: of the true mean, a bound that holds with 95% confidence.
        scored: share of all rows that is scored, the mean over posts.
    """

    probes: int
    recall: float
    lower: float
    scored: float


def find_cell_places(
    phi: np.ndarray, table: tf.Variable, cells: Cells, k: int
) -> tuple[np.ndarray, np.ndarray]:
    """Where in the order of cells the best rows are, for each post.

    Args:
        phi: float32 [B, d].
        table: float32 [Y, d].
        cells: of its rows.
        k: of the best rows.

    Returns:
        The number of cells to look into until each of the k best rows is found, int [B, k], and the
        rows that are scored by looking into 1, 2, ... C cells, the mean over posts, float [C].
    """
    rank = tf.function(lambda some: top_k(some, table, k)[1], reduce_retracing=True)
    sizes = np.bincount(cells.cell_of_row, minlength=len(cells))
    needed, scored = [], np.zeros(len(cells))
    for start in range(0, len(phi), BATCH):
        some = phi[start : start + BATCH]
        best_cells = cells.cell_of_row[rank(tf.constant(some)).numpy()]
        order = np.argsort(-(some @ cells.centroids.T), axis=1, kind="stable")
        place = np.empty_like(order)
        np.put_along_axis(place, order, np.arange(len(cells))[None], axis=1)
        needed.append(1 + np.take_along_axis(place, best_cells, axis=1))
        scored += np.cumsum(sizes[order], axis=1).sum(axis=0)
    return np.concatenate(needed), scored / len(phi)


def choose_probes(needed: np.ndarray, scored: np.ndarray, cells: Cells, target: float) -> Recall:
    """The fewest cells with which a recall is met, and not by luck with the posts at hand.

    Args:
        needed: of `find_cell_places`, as are the next two.
        scored: rows by number of cells.
        cells: of the rows.
        target: recall that `Recall.lower` has to reach, more than 0 and at most 1.
    """
    k = needed.shape[1]
    sizes = np.sort(np.bincount(cells.cell_of_row))
    # Answers have k hashtags, whatever cells they come from.
    fewest = int(np.searchsorted(np.cumsum(sizes), k)) + 1
    low, high = fewest, len(cells)
    while low < high:
        middle = (low + high) // 2
        if measure_recall(needed, scored, middle).lower >= target:
            high = middle
        else:
            low = middle + 1
    return measure_recall(needed, scored, low)


def measure_recall(needed: np.ndarray, scored: np.ndarray, probes: int) -> Recall:
    """The recall with so many cells; arguments as of `choose_probes`."""
    of_posts = (needed <= probes).mean(axis=1)
    mean = float(of_posts.mean())
    error = float(of_posts.std(ddof=1)) / len(of_posts) ** 0.5 if len(of_posts) > 1 else 0.0
    lower = max(0.0, mean - ONE_SIDED_95 * error)
    return Recall(probes, mean, lower, float(scored[probes - 1] / scored[-1]))
