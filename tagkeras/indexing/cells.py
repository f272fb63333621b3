"""Cells of neighbouring rows, found by k-means."""

import dataclasses
import math
import warnings

import numpy as np

from tagkeras.errors import UserError

# Rows a cell that k-means looks at, and passes over them. More of either moved no recall that
# `benchmarks.index` measured.
ROWS_PER_CELL = 128
ITERATIONS = 10


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


def default_num_cells(num_rows: int) -> int:
    """Four times the square root of the rows, but not more than half of them.

    To rank the cells then costs about what 16 of them do.
    """
    return max(1, min(num_rows // 2, round(4 * math.sqrt(num_rows))))


def find_cells(table: np.ndarray, num_cells: int, seed: int = 0) -> Cells:
    """Partitions the rows of a table by Lloyd's k-means on some of them.

    Args:
        table: float32 [Y, d].
        num_cells: C at most, 1 to Y: cells that end up empty are left out.
        seed: of the rows that are looked at and that it starts from.

    Raises:
        UserError: scikit-learn is not installed.
    """
    try:
        from sklearn.cluster import KMeans
        from sklearn.exceptions import ConvergenceWarning
    except ImportError:
        raise UserError(
            "an index needs scikit-learn: pip install 'tagkeras[index]', or export without --index"
        ) from None
    some = np.arange(len(table))
    if len(some) > ROWS_PER_CELL * num_cells:
        some = np.random.default_rng(seed).choice(
            len(table), ROWS_PER_CELL * num_cells, replace=False, shuffle=False
        )
    k_means = KMeans(
        num_cells, init="random", n_init=1, max_iter=ITERATIONS, random_state=seed, copy_x=False
    )
    with warnings.catch_warnings():
        # Of equal rows there may be fewer different ones than cells: some stay empty.
        warnings.simplefilter("ignore", ConvergenceWarning)
        k_means.fit(table[np.sort(some)])
    found, cell_of_row = np.unique(k_means.predict(table), return_inverse=True)
    return Cells(
        _means(table, cell_of_row, len(found)),
        cell_of_row.astype(np.int32),
    )


def _means(table: np.ndarray, cell_of_row: np.ndarray, num_cells: int) -> np.ndarray:
    """The mean row of each cell, float32 [C, d]."""
    order = np.argsort(cell_of_row, kind="stable")
    sizes = np.bincount(cell_of_row, minlength=num_cells)
    starts = np.cumsum(sizes) - sizes
    means = np.empty((num_cells, table.shape[1]), np.float32)
    for cell, (start, size) in enumerate(zip(starts, sizes, strict=True)):
        means[cell] = table[order[start : start + size]].mean(axis=0)
    return means
