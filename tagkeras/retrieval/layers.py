"""Keras layers that find the k best rows of a table: exactly, or by an inverted file."""

import abc
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from tagkeras.retrieval.cells import Cells
from tagkeras.retrieval.recall import fewest_probes
from tagkeras.retrieval.top_k import top_k

# Numbers in the rows that are copied at once to be scored, 4 MiB. Measured: much more of them leave
# the caches, and take fresh pages from the system each time: ten times as slow.
TILE_NUMBERS = 2**20


class TopK(keras.layers.Layer, abc.ABC):
    """Finds the k rows of a table with the largest products with a query.

    Made of stock ops and weights, so that it can stand behind any embedding, in a Keras model and
    in a SavedModel.

    Call arguments:
        query: float [B, d]; B may be 0.

    Returns:
        The scores, best first, float [B, k], and the ids of their rows, int64 [B, k]. Of equal
        scores the lower id comes first; which of those that equal the last one are among the k,
        only an exact layer promises: the lower.

    Args:
        k: how many rows to find, at least 1.

    Attributes:
        is_exact: whether a call finds the very best scores, always.
    """

    is_exact: bool

    def __init__(self, k: int, **kwargs: Any) -> None:
        super().__init__(**{"dtype": "float32", **kwargs})
        if k < 1:
            raise ValueError(f"k must be at least 1, received {k}")
        self.k = k
        self.built = True

    @abc.abstractmethod
    def call(self, query: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Scores and ids of the best rows."""

    @abc.abstractmethod
    def rows(self, ids: tf.Tensor) -> tf.Tensor:
        """The rows of int64 ids [B], float [B, d]."""

    def compute_output_spec(self, query: Any) -> tuple[keras.KerasTensor, keras.KerasTensor]:
        """Scores and ids, [B, k] each."""
        shape = (query.shape[0], self.k)
        return keras.KerasTensor(shape, "float32"), keras.KerasTensor(shape, "int64")

    def get_config(self) -> dict[str, Any]:
        """The arguments of `__init__`, but for the table, which is a weight."""
        return {**super().get_config(), "k": self.k}


@keras.saving.register_keras_serializable(package="tagkeras")
class ExactTopK(TopK):
    """Scores all rows, in tiles: memory does not grow with B * Y.

    Args:
        table: float [Y, d]: a variable, such as a model's `tag_table`, to follow as it is trained,
            or an array to copy.
        k: how many rows to find, from 1 to Y.

    Example:
        >>> top_k = ExactTopK(np.array([[1, 0], [0, 1], [0.5, 0]], np.float32), k=2)
        >>> scores, ids = top_k(tf.constant([[2.0, 0.0]]))
        >>> scores.numpy().tolist(), ids.numpy().tolist()
        ([[2.0, 1.0]], [[0, 2]])
    """

    def __init__(self, table: Any, k: int = 10, **kwargs: Any) -> None:
        super().__init__(k, **kwargs)
        if not isinstance(table, keras.Variable):
            table = keras.Variable(table, trainable=False, dtype="float32", name="table")
        if k > table.shape[0]:
            raise ValueError(f"k must be from 1 to the table's {table.shape[0]} rows, received {k}")
        self.table = table

    is_exact = True

    def call(self, query: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Scores and ids of the best rows."""
        return top_k(query, self.table.value, self.k)

    def rows(self, ids: tf.Tensor) -> tf.Tensor:
        """The rows of int64 ids [B], float [B, d]."""
        return tf.gather(self.table.value, ids)

    def get_config(self) -> dict[str, Any]:
        """The arguments of `__init__`; the values of the table are weights."""
        return {**super().get_config(), "table_shape": list(self.table.shape)}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "ExactTopK":
        """Undoes `get_config`, for a table of zeros."""
        config = dict(config)
        return cls(tf.zeros(config.pop("table_shape")), **config)


@keras.saving.register_keras_serializable(package="tagkeras")
class IVFTopK(TopK):
    """Keeps rows in cells of neighbours, of which each search looks into a few.

    The cells are ranked by the product of the query with their centroids, the mean of the products
    with their rows; all rows of the first `probes` are scored. So scores are exact, and what may be
    missed are rows of other cells. Queries of a batch are searched for one after the other and rows
    scored in tiles, so that memory grows by 12 bytes with each row that is scored for a query. An
    exact search takes all queries at once: the larger the batch, the less is gained.

    Args:
        table: float [Y, d], copied.
        cells: of its rows, as `find_cells` makes them.
        probes: cells that a search looks into, 1 to the number of cells.
        k: how many rows to find; any choice of `probes` cells must hold at least k.

    Example:
        >>> table = np.array([[1, 0], [0, 1], [0.9, 0], [0, 0.8]], np.float32)
        >>> cells = Cells(np.array([[0.95, 0], [0, 0.9]], np.float32), np.array([0, 1, 0, 1], "i4"))
        >>> scores, ids = IVFTopK(table, cells, probes=1, k=2)(tf.constant([[2.0, 1.0]]))
        >>> ids.numpy().tolist()
        [[0, 2]]

    References:
        Sivic and Zisserman, "Video Google: A Text Retrieval Approach to Object Matching in Videos"
        (ICCV 2003); Jegou, Douze and Schmid, "Product Quantization for Nearest Neighbor Search"
        (PAMI 2011), section IV.
    """

    def __init__(self, table: Any, cells: Cells, probes: int, k: int = 10, **kwargs: Any) -> None:
        super().__init__(k, **kwargs)
        if not 1 <= probes <= len(cells):
            raise ValueError(f"probes must be from 1 to {len(cells)}, received {probes}")
        if fewest_probes(cells, k) > probes:
            raise ValueError(f"{probes} cells may have fewer than {k} rows: look into more")
        self.probes = probes
        self.num_cells = len(cells)
        self.is_exact = probes == len(cells)
        # By cell, and by id within one: a search gathers runs of neighbours.
        order = np.argsort(cells.cell_of_row, kind="stable").astype(np.int32)
        position_of_id = np.empty_like(order)
        position_of_id[order] = np.arange(len(order), dtype=np.int32)
        ends = np.cumsum(cells.sizes())
        bounds = np.stack([ends - cells.sizes(), ends], axis=1).astype(np.int32)
        self.sorted_table = _fixed(tf.gather(table, order), "sorted_table")
        self.id_of_position = _fixed(order, "id_of_position")
        self.position_of_id = _fixed(position_of_id, "position_of_id")
        # Of each cell, the first position and the one after its last.
        self.bounds = _fixed(bounds, "bounds")
        self.centroids = _fixed(cells.centroids, "centroids")

    def call(self, query: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Scores and ids of the best rows of the most promising cells."""
        cell_scores = tf.matmul(query, self.centroids.value, transpose_b=True)
        cells = tf.math.top_k(cell_scores, self.probes, sorted=False).indices
        scores, ids = tf.map_fn(
            lambda one: self._search(one[0], one[1]),
            (query, cells),
            fn_output_signature=(
                tf.TensorSpec([self.k], query.dtype),
                tf.TensorSpec([self.k], tf.int32),
            ),
            parallel_iterations=1,
        )
        return scores, tf.cast(ids, tf.int64)

    def rows(self, ids: tf.Tensor) -> tf.Tensor:
        """The rows of int64 ids [B], float [B, d]."""
        return tf.gather(self.sorted_table.value, tf.gather(self.position_of_id.value, ids))

    def get_config(self) -> dict[str, Any]:
        """k, the probes, and the sizes of table and cells, whose values are weights."""
        return {
            **super().get_config(),
            "table_shape": list(self.sorted_table.shape),
            "num_cells": self.num_cells,
            "probes": self.probes,
        }

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "IVFTopK":
        """Undoes `get_config`, for a table of zeros in cells of equal size."""
        config = dict(config)
        (num_rows, dim), num_cells = config.pop("table_shape"), config.pop("num_cells")
        cell_of_row = (np.arange(num_rows) % num_cells).astype(np.int32)
        cells = Cells(np.zeros([num_cells, dim], np.float32), cell_of_row)
        return cls(tf.zeros([num_rows, dim]), cells, **config)

    def _search(self, query: tf.Tensor, cells: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """The best of some cells for one query, scores float [k] and ids int32 [k]."""
        bounds = tf.gather(self.bounds.value, cells)
        positions = tf.ragged.range(bounds[:, 0], bounds[:, 1]).flat_values
        best, chosen = tf.math.top_k(self._score(query, positions), self.k)
        ids = tf.gather(self.id_of_position.value, tf.gather(positions, chosen))
        # Cells come in any order: of equal scores, the lower id is put first.
        by_id = tf.argsort(ids)
        best, ids = tf.gather(best, by_id), tf.gather(ids, by_id)
        by_score = tf.argsort(best, direction="DESCENDING", stable=True)
        return tf.gather(best, by_score), tf.gather(ids, by_score)

    def _score(self, query: tf.Tensor, positions: tf.Tensor) -> tf.Tensor:
        """The products of one query [d] with the rows at some positions [N], float [N]."""
        table = self.sorted_table.value
        tile = max(1, TILE_NUMBERS // table.shape[1])
        tiles = (tf.size(positions) + tile - 1) // tile

        def score(number: tf.Tensor, scores: tf.TensorArray) -> tuple[tf.Tensor, tf.TensorArray]:
            rows = tf.gather(table, positions[number * tile : (number + 1) * tile])
            return number + 1, scores.write(number, tf.linalg.matvec(rows, query))

        scores = tf.TensorArray(query.dtype, tiles, infer_shape=False, element_shape=[None])
        _, scores = tf.while_loop(
            lambda number, _: number < tiles, score, (tf.constant(0), scores), parallel_iterations=1
        )
        return scores.concat()


def _fixed(values: Any, name: str) -> keras.Variable:
    dtype = tf.convert_to_tensor(values).dtype.name
    return keras.Variable(values, trainable=False, dtype=dtype, name=name)
