"""Top-k layers: their common interface, and the one that scores every row."""

import abc
from typing import Any

import keras
import tensorflow as tf

from tagkeras.retrieval.top_k import top_k


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
    """

    def __init__(self, k: int, **kwargs: Any) -> None:
        super().__init__(**{"dtype": "float32", **kwargs})
        if k < 1:
            raise ValueError(f"k must be at least 1, received {k}")
        self.k = k
        self.built = True

    @property
    @abc.abstractmethod
    def is_exact(self) -> bool:
        """Whether a call finds the very best scores, always."""

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

    @property
    def is_exact(self) -> bool:
        """True."""
        return True

    def call(self, query: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Scores and ids of the best rows."""
        return top_k(query, self.table.value, self.k)

    def rows(self, ids: tf.Tensor) -> tf.Tensor:
        """The rows of int64 ids [B], float [B, d]."""
        return tf.gather(self.table.value, ids)

    def get_config(self) -> dict[str, Any]:
        """K and the shape of the table, whose values are weights."""
        return {**super().get_config(), "table_shape": list(self.table.shape)}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "ExactTopK":
        """Undoes `get_config`, for a table of zeros."""
        config = dict(config)
        return cls(tf.zeros(config.pop("table_shape")), **config)
