"""The interface of optimizers that update the touched rows of a table, and no others."""

import abc
from typing import Any

import tensorflow as tf

from tagkeras.layers.max_norm import project_max_norm


class RowOptimizer(tf.Module, abc.ABC):
    """Updates the rows of a table that a step touched: their values, their state, their norm.

    Keras optimizers rewrite the whole table and its state in each step, and apply duplicate ids
    one by one; here a step costs what its rows cost, however long the table is, and takes the
    rows' summed gradients. State of rows that a step does not touch stays as it was ("lazy").

    Args:
        learning_rate: above 0; a variable afterwards, so that schedules can assign it.
        max_norm: radius of the ball that touched rows are projected onto; None for no bound.
    """

    def __init__(self, learning_rate: float, *, max_norm: float | None = None) -> None:
        super().__init__()
        if learning_rate <= 0:
            raise ValueError(f"learning_rate must be above 0, received {learning_rate}")
        if max_norm is not None and max_norm <= 0:
            raise ValueError(f"max_norm must be above 0, received {max_norm}")
        self.learning_rate = tf.Variable(learning_rate, trainable=False, dtype=tf.float32)
        self.max_norm = max_norm

    @abc.abstractmethod
    def build(self, table: Any) -> None:
        """Makes the state for a table of shape [Y, d]."""

    @abc.abstractmethod
    def step(self, ids: tf.Tensor, gradients: tf.Tensor) -> tf.Tensor:
        """Updates the state of these rows; returns what to subtract from them, [rows, d]."""

    def apply(self, table: tf.Variable, ids: tf.Tensor, gradients: tf.Tensor) -> None:
        """One step on some rows of the table.

        Args:
            table: float [Y, d].
            ids: int64 [rows], distinct.
            gradients: float [rows, d], of the loss by each of these rows, duplicates summed.
        """
        rows = tf.gather(table, ids) - self.step(ids, gradients)
        if self.max_norm is not None:
            rows = project_max_norm(rows, self.max_norm, axis=1)
        table.scatter_update(tf.IndexedSlices(rows, ids))
