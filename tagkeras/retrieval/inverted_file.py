"""An inverted file: a search that scores the hashtags of the most promising cells only."""

import numpy as np
import tensorflow as tf

from tagkeras.retrieval.cells import Cells
from tagkeras.retrieval.probes import fewest_probes
from tagkeras.retrieval.tag_index import TagIndex

# Numbers in the rows that are copied at once to be scored, 4 MiB. Measured: much more of them leave
# the caches, and take fresh pages from the system each time: ten times as slow.
TILE_NUMBERS = 2**20


class InvertedFile(TagIndex):
    """Rows in cells of neighbours, of which each search looks into a few.

    The cells are ranked by the product of phi with their centroids, the mean of the products with
    their rows; all rows of the first `probes` are scored. So scores are exact, and what may be
    missed are rows of other cells. Posts of a batch are searched for one after the other and rows
    scored in tiles, so that memory grows by 12 bytes with each row that is scored for a post. An
    exact search takes all posts of a batch at once: the larger the batch, the less is gained.

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

    def __init__(self, table: tf.Variable, cells: Cells, probes: int) -> None:
        super().__init__()
        if not 1 <= probes <= len(cells):
            raise ValueError(f"probes must be from 1 to {len(cells)}, received {probes}")
        self.probes = probes
        self.cells = cells
        # By cell, and by id within one: a search gathers runs of neighbours.
        order = np.argsort(cells.cell_of_row, kind="stable").astype(np.int32)
        position_of_id = np.empty_like(order)
        position_of_id[order] = np.arange(len(order), dtype=np.int32)
        ends = np.cumsum(cells.sizes())
        bounds = np.stack([ends - cells.sizes(), ends], axis=1).astype(np.int32)
        self._sorted_table = _fixed(tf.gather(table, order), "sorted_table")
        self._id_of_position = _fixed(order, "id_of_position")
        self._position_of_id = _fixed(position_of_id, "position_of_id")
        # Of each cell, the first position and the one after its last.
        self._bounds = _fixed(bounds, "bounds")
        self._centroids = _fixed(cells.centroids, "centroids")

    @property
    def is_exact(self) -> bool:
        """Only if all cells are looked into."""
        return self.probes == len(self.cells)

    def top_k(self, phi: tf.Tensor, k: int) -> tuple[tf.Tensor, tf.Tensor]:
        """See `TagIndex`.

        Raises:
            ValueError: `probes` cells may have fewer than k rows.
        """
        if not k >= 1 or fewest_probes(self.cells, k) > self.probes:
            raise ValueError(f"{self.probes} cells may have fewer than {k} rows: look into more")
        cell_scores = tf.matmul(phi, self._centroids, transpose_b=True)
        cells = tf.math.top_k(cell_scores, self.probes, sorted=False).indices
        scores, ids = tf.map_fn(
            lambda post: self._search(post[0], post[1], k),
            (phi, cells),
            fn_output_signature=(tf.TensorSpec([k], phi.dtype), tf.TensorSpec([k], tf.int32)),
            parallel_iterations=1,
        )
        return scores, tf.cast(ids, tf.int64)

    def rows(self, ids: tf.Tensor) -> tf.Tensor:
        """See `TagIndex`."""
        return tf.gather(self._sorted_table, tf.gather(self._position_of_id, ids))

    def _search(self, phi: tf.Tensor, cells: tf.Tensor, k: int) -> tuple[tf.Tensor, tf.Tensor]:
        """The best of some cells for one post, scores float [k] and ids int32 [k]."""
        bounds = tf.gather(self._bounds, cells)
        positions = tf.ragged.range(bounds[:, 0], bounds[:, 1]).flat_values
        best, chosen = tf.math.top_k(self._score(phi, positions), k)
        ids = tf.gather(self._id_of_position, tf.gather(positions, chosen))
        # Cells come in any order: of equal scores, the lower id is put first.
        by_id = tf.argsort(ids)
        best, ids = tf.gather(best, by_id), tf.gather(ids, by_id)
        by_score = tf.argsort(best, direction="DESCENDING", stable=True)
        return tf.gather(best, by_score), tf.gather(ids, by_score)

    def _score(self, phi: tf.Tensor, positions: tf.Tensor) -> tf.Tensor:
        """The products of one phi [d] with the rows at some positions [N], float [N]."""
        tile = max(1, TILE_NUMBERS // self._sorted_table.shape[1])
        tiles = (tf.size(positions) + tile - 1) // tile

        def score(number: tf.Tensor, scores: tf.TensorArray) -> tuple[tf.Tensor, tf.TensorArray]:
            rows = tf.gather(self._sorted_table, positions[number * tile : (number + 1) * tile])
            return number + 1, scores.write(number, tf.linalg.matvec(rows, phi))

        scores = tf.TensorArray(phi.dtype, tiles, infer_shape=False, element_shape=[None])
        _, scores = tf.while_loop(
            lambda number, _: number < tiles, score, (tf.constant(0), scores), parallel_iterations=1
        )
        return scores.concat()


def _fixed(values: tf.Tensor | np.ndarray, name: str) -> tf.Variable:
    return tf.Variable(values, name=name, trainable=False)
