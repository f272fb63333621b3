"""Cells of neighbouring rows, found by k-means."""

import dataclasses
import math
import warnings

import numpy as np
from scipy.stats import norm

from tagkeras.cli.errors import UserError
from tagkeras.retrieval.asked_posts import AskedPosts

# Rows a cell that k-means looks at, and passes over them. More of either took longer and moved the
# recall of `benchmarks.index` by little.
ROWS_PER_CELL = 64
ITERATIONS = 5
# Of the rows that k-means looks at, the share drawn without regard to what they answer.
UNIFORM_SHARE = 0.1
# Rows whose probability is computed at once.
BATCH = 2**18


@dataclasses.dataclass(frozen=True)
class Cells:
    """A partition of rows.

    Attributes:
        centroids: float32 [C, d], the means of the cells' rows, none of which is empty.
        cell_of_row: int32 [Y].
    """

    centroids: np.ndarray
    cell_of_row: np.ndarray

    def __len__(self) -> int:
        return len(self.centroids)

    def sizes(self) -> np.ndarray:
        """The number of rows of each cell, int [C]."""
        return np.bincount(self.cell_of_row, minlength=len(self))


def default_num_cells(num_rows: int) -> int:
    """Four times the square root of the rows, but not more than half of them.

    To rank the cells then costs about what 16 of them do.
    """
    return max(1, min(num_rows // 2, round(4 * math.sqrt(num_rows))))


def check_installed() -> None:
    """Raises a `UserError` if `find_cells` cannot be called."""
    try:
        import sklearn.cluster  # noqa: F401
    except ImportError:
        raise UserError(
            "an index needs scikit-learn: pip install 'tagkeras[index]', or give --index=exact"
        ) from None


def find_cells(table: np.ndarray, num_cells: int, asked: AskedPosts, seed: int = 0) -> Cells:
    """Partitions the rows of a table by Lloyd's k-means on some of them.

    Two things are made for what is asked. Rows are near one another if their products with phi are,
    E[<phi, v - w>^2] = (v - w)^T M (v - w) with M = E[phi phi^T]: what no phi sees does not divide
    them. And the rows that k-means looks at are drawn by how likely they are an answer, so that
    most cells, small ones, are where answers come from. On 4.6 million rows, of which most were
    trained by few posts, the two took the rows to be scored from 13% to 1.0%.

    Args:
        table: float32 [Y, d].
        num_cells: C at most, 1 to Y: cells that end up empty are left out.
        asked: of what searches are for.
        seed: of the rows that are looked at and that it starts from.

    Raises:
        UserError: scikit-learn is not installed.
    """
    check_installed()
    from sklearn.cluster import KMeans
    from sklearn.exceptions import ConvergenceWarning

    drawn = np.random.default_rng(seed).choice(
        len(table), ROWS_PER_CELL * num_cells, p=_draw_weights(table, asked)
    )
    some, times = np.unique(drawn, return_counts=True)
    seen = table @ asked.root_of_moment().astype(np.float32)
    k_means = KMeans(
        min(num_cells, len(some)),
        init="random",
        n_init=1,
        max_iter=ITERATIONS,
        random_state=seed,
    )
    with warnings.catch_warnings():
        # Of equal rows there may be fewer different ones than cells: some stay empty.
        warnings.simplefilter("ignore", ConvergenceWarning)
        k_means.fit(seen[some], sample_weight=times.astype(np.float32))
    found, cell_of_row = np.unique(k_means.predict(seen), return_inverse=True)
    return Cells(_means(table, cell_of_row, len(found)), cell_of_row.astype(np.int32))


def _draw_weights(table: np.ndarray, asked: AskedPosts) -> np.ndarray:
    """How often k-means looks at a row, float64 [Y], of sum 1.

    The probability that <phi, v> reaches the score of a last answer, as if phi were normal.
    """
    mean, root = asked.mean(), asked.root_of_covariance()
    likely = np.empty(len(table))
    for start in range(0, len(table), BATCH):
        rows = table[start : start + BATCH].astype(np.float64)
        deviation = np.linalg.norm(rows @ root, axis=1)
        gap = asked.threshold - rows @ mean
        likely[start : start + BATCH] = norm.sf(gap / np.maximum(deviation, 1e-12))
    if likely.sum() > 0:
        likely *= (1 - UNIFORM_SHARE) / likely.sum()
    likely += (1 - likely.sum()) / len(table)
    return likely / likely.sum()


def _means(table: np.ndarray, cell_of_row: np.ndarray, num_cells: int) -> np.ndarray:
    """The mean row of each cell, float32 [C, d]."""
    order = np.argsort(cell_of_row, kind="stable")
    sizes = np.bincount(cell_of_row, minlength=num_cells)
    starts = np.cumsum(sizes) - sizes
    means = np.empty((num_cells, table.shape[1]), np.float32)
    for cell, (start, size) in enumerate(zip(starts, sizes, strict=True)):
        means[cell] = table[order[start : start + size]].mean(axis=0)
    return means
