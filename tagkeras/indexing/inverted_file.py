"""An inverted file: a search that scores the hashtags of the most promising cells only."""

import numpy as np
import tensorflow as tf

from tagkeras.indexing.cells import Cells
from tagkeras.indexing.tag_index import TagIndex

# Posts of a batch that are searched for at once; each holds the rows that it scores.
PARALLEL_SEARCHES = 4


class InvertedFile(TagIndex):
    """Rows in cells of neighbours, of which each search looks into a few.

    The cells are ranked by the product of phi with their centroids, the mean of the products with
    their rows; all rows of the first `probes` are scored. So scores are exact, and what may be
    missed are rows of other cells.

    Args:
        table: float [Y, d].
        cells: of its rows.
        probes: cells that a search looks into, 1 to the number of cells.

    Raises:
        ValueError: probes is not in this range.

    References:
        Sivic and Zisserman, "Video Google: A Text Retrieval Approach to Object Matching in Videos"
        (ICCV 2003); Jegou, Douze and Schmid, "Product Quantization for Nearest Neighbor Search"
        (PAMI 2011), section IV.
    """

    def __init__(self, table: np.ndarray, cells: Cells, probes: int) -> None:
        super().__init__()
        if not 1 <= probes <= len(cells):
            raise ValueError(f"probes must be from 1 to {len(cells)}, received {probes}")
        self.probes = probes
        # By cell, and by id within one. A search gathers runs of neighbours.
        order = np.argsort(cells.cell_of_row, kind="stable").astype(np.int32)
        place_of_id = np.empty_like(order)
        place_of_id[order] = np.arange(len(order), dtype=np.int32)
        sizes = np.bincount(cells.cell_of_row, minlength=len(cells))
        self._smallest_sizes = np.sort(sizes)
        self._sorted_table = tf.Variable(table[order], name="sorted_table", trainable=False)
        self._id_of_place = tf.Variable(order, name="id_of_place", trainable=False)
        self._place_of_id = tf.Variable(place_of_id, name="place_of_id", trainable=False)
        ends = np.cumsum(sizes)
        # Every second value is the first place after a cell.
        self._bounds = tf.Variable(
            np.stack([ends - sizes, ends], axis=1).astype(np.int32), name="bounds", trainable=False
        )
        self._centroids = tf.Variable(cells.centroids, name="centroids", trainable=False)

    @property
    def is_exact(self) -> bool:
        """Only if all cells are looked into."""
        return self.probes == self._centroids.shape[0]

    def top_k(self, phi: tf.Tensor, k: int) -> tuple[tf.Tensor, tf.Tensor]:
        """See `TagIndex`.

        Raises:
            ValueError: the smallest `probes` cells have fewer than k rows.
        """
        fewest = self._smallest_sizes[: self.probes].sum()
        if not 1 <= k <= fewest:
            raise ValueError(f"k must be from 1 to {fewest}, the rows of few cells, received {k}")
        promise = tf.matmul(phi, self._centroids, transpose_b=True)
        cells = tf.math.top_k(promise, self.probes, sorted=False).indices
        # One by one, so that memory does not grow with B.
        scores, ids = tf.map_fn(
            lambda post: self._search(post[0], post[1], k),
            (phi, cells),
            fn_output_signature=(
                tf.TensorSpec([k], phi.dtype),
                tf.TensorSpec([k], tf.int32),
            ),
            parallel_iterations=PARALLEL_SEARCHES,
        )
        return scores, tf.cast(ids, tf.int64)

    def rows(self, ids: tf.Tensor) -> tf.Tensor:
        """See `TagIndex`."""
        return tf.gather(self._sorted_table, tf.gather(self._place_of_id, ids))

    def _search(self, phi: tf.Tensor, cells: tf.Tensor, k: int) -> tuple[tf.Tensor, tf.Tensor]:
        """The best of some cells for one post, scores float [k] and ids int32 [k]."""
        bounds = tf.gather(self._bounds, cells)
        places = tf.ragged.range(bounds[:, 0], bounds[:, 1]).flat_values
        scores = tf.linalg.matvec(tf.gather(self._sorted_table, places), phi)
        best, chosen = tf.math.top_k(scores, k)
        ids = tf.gather(self._id_of_place, tf.gather(places, chosen))
        # Cells come in any order: of equal scores, the lower id is put first.
        by_id = tf.argsort(ids)
        best, ids = tf.gather(best, by_id), tf.gather(ids, by_id)
        by_score = tf.argsort(best, direction="DESCENDING", stable=True)
        return tf.gather(best, by_score), tf.gather(ids, by_score)
