"""Cells of neighbouring rows, found by k-means, with an eye to what is searched for."""

import dataclasses
import math
import warnings

import numpy as np
import tensorflow as tf
from scipy.stats import norm

from tagkeras.cli.errors import UserError
from tagkeras.retrieval.top_k import top_k

# Rows a cell that k-means looks at, and passes over them. More of either took longer and moved the
# recall of `benchmarks.index` by little.
ROWS_PER_CELL = 64
ITERATIONS = 5
# Of the rows that k-means looks at, the share drawn without regard to what they answer.
UNIFORM_SHARE = 0.1
# Rows whose probability is computed at once.
BATCH = 2**18
# Queries whose best rows are looked at; the scores of their last ones are much alike.
RANKED_QUERIES = 256


@dataclasses.dataclass(frozen=True)
class Queries:
    """Embeddings such as rows will be searched for.

    Attributes:
        phi: float32 [B, d], B at least 1.
        threshold: the score of the last of a query's k best rows, the mean over queries.
    """

    phi: np.ndarray
    threshold: float

    @classmethod
    def rank(cls, phi: np.ndarray, table: tf.Variable, k: int) -> "Queries":
        """Ranks some of the queries by all rows of a table to find the threshold."""
        scores, _ = top_k(tf.constant(phi[:RANKED_QUERIES]), table, k)
        return cls(phi, float(tf.reduce_mean(scores[:, -1])))


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


def find_cells(table: np.ndarray, num_cells: int, queries: Queries, seed: int = 0) -> Cells:
    """Partitions the rows of a table by Lloyd's k-means on some of them.

    Two things are made for the queries. Rows are near one another if their products with phi are,
    E[<phi, v - w>^2] = (v - w)^T M (v - w) with M = E[phi phi^T]: what no query sees does not
    divide them. And the rows that k-means looks at are drawn by how likely they are an answer, so
    that most cells, small ones, are where answers come from. On 4.6 million rows, most of them
    trained by few posts, the two took the rows to be scored from 13% to 1.0%.

    Args:
        table: float32 [Y, d].
        num_cells: C at most, 1 to Y: cells that end up empty are left out.
        queries: such as searches are for.
        seed: of the rows that are looked at and that it starts from.

    Raises:
        UserError: scikit-learn is not installed.
    """
    check_installed()
    from sklearn.cluster import KMeans
    from sklearn.exceptions import ConvergenceWarning

    drawn = np.random.default_rng(seed).choice(
        len(table), ROWS_PER_CELL * num_cells, p=_draw_weights(table, queries)
    )
    some, times = np.unique(drawn, return_counts=True)
    seen = table @ _root(queries.phi.astype(np.float64)).astype(np.float32)
    num_cells = min(num_cells, len(some))
    k_means = KMeans(num_cells, init="random", n_init=1, max_iter=ITERATIONS, random_state=seed)
    with warnings.catch_warnings():
        # Of equal rows there may be fewer different ones than cells: some stay empty.
        warnings.simplefilter("ignore", ConvergenceWarning)
        k_means.fit(seen[some], sample_weight=times.astype(np.float32))
    found, cell_of_row = np.unique(k_means.predict(seen), return_inverse=True)
    return Cells(_means(table, cell_of_row, len(found)), cell_of_row.astype(np.int32))


def _draw_weights(table: np.ndarray, queries: Queries) -> np.ndarray:
    """How often k-means looks at a row, float64 [Y], of sum 1.

    The probability that <phi, v> reaches the score of the last best row, as if phi were normal.
    """
    mean = queries.phi.mean(axis=0, dtype=np.float64)
    root = _root(queries.phi - mean)
    likely = np.empty(len(table))
    for start in range(0, len(table), BATCH):
        rows = table[start : start + BATCH].astype(np.float64)
        deviation = np.linalg.norm(rows @ root, axis=1)
        gap = queries.threshold - rows @ mean
        likely[start : start + BATCH] = norm.sf(gap / np.maximum(deviation, 1e-12))
    if likely.sum() > 0:
        likely *= (1 - UNIFORM_SHARE) / likely.sum()
    likely += (1 - likely.sum()) / len(table)
    return likely / likely.sum()


def _means(table: np.ndarray, cell_of_row: np.ndarray, num_cells: int) -> np.ndarray:
    """The mean row of each cell, float32 [C, d]."""
    rows_by_cell = np.argsort(cell_of_row, kind="stable")
    ends = np.cumsum(np.bincount(cell_of_row, minlength=num_cells))
    return np.stack([table[rows].mean(axis=0) for rows in np.split(rows_by_cell, ends[:-1])])


def _root(vectors: np.ndarray) -> np.ndarray:
    """R with R R^T = E[v v^T] of vectors v, float64 [B, d] -> [d, d]."""
    values, axes = np.linalg.eigh(vectors.T @ vectors / len(vectors))
    root: np.ndarray = axes * np.sqrt(np.maximum(values, 0))
    return root
