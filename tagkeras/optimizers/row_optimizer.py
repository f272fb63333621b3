"""The interface of optimizers that update the touched rows of a table, and no others."""

import abc
from typing import Any

import tensorflow as tf

from tagkeras.layers.max_norm import project_max_norm
from tagkeras.optimizers.duplicates import sum_duplicates


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
    def step(self, ids: tf.Tensor | None, gradients: tf.Tensor) -> tf.Tensor:
        """Updates the state of these rows; returns what to subtract from them, [rows, d]."""

    def apply(self, table: tf.Variable, ids: tf.Tensor | None, gradients: tf.Tensor) -> None:
        """One step on some rows of the table.

        Args:
            table: float [Y, d].
            ids: int64 [rows], in any order; the gradients of equal ids are summed. None for all
                rows of the table.
            gradients: float [rows, d], of the loss by these rows.
        """
        if ids is not None:
            ids, gradients = sum_duplicates(ids, gradients)
        rows = read_rows(table, ids) - self.step(ids, gradients)
        if self.max_norm is not None:
            rows = project_max_norm(rows, self.max_norm, axis=1)
        write_rows(table, ids, rows)


def read_rows(variable: tf.Variable, ids: tf.Tensor | None) -> tf.Tensor:
    """Rows of a table or of its state; those of no row only fill the shape up."""
    if ids is None:
        return tf.convert_to_tensor(variable)
    return tf.gather(variable, tf.minimum(ids, variable.shape[0] - 1))


def write_rows(variable: tf.Variable, ids: tf.Tensor | None, rows: tf.Tensor) -> None:
    """Assigns rows; those of Y or more are dropped, which only XLA does.

    Of a variable that replicas mirror, the replica's own copy is written: all replicas write the
    same.
    """
    if ids is None:
        tf.raw_ops.AssignVariableOp(resource=variable.handle, value=rows)
    else:
        tf.raw_ops.ResourceScatterUpdate(resource=variable.handle, indices=ids, updates=rows)
