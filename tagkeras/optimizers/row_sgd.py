"""Stochastic gradient descent with momentum on the touched rows of a table."""

from typing import Any

import keras
import tensorflow as tf

from tagkeras.optimizers.row_optimizer import RowOptimizer, read_rows, write_rows


@keras.saving.register_keras_serializable(package="tagkeras")
class RowSGD(RowOptimizer):
    """v = momentum v - learning_rate g; row += v, as `keras.optimizers.SGD`, on touched rows.

    The velocity of a row waits while the row is not touched.

    Args:
        learning_rate: above 0; None for that of each call, as in `RowOptimizer`.
        momentum: in [0, 1); 0 keeps no state.

    Example:
        >>> optimizer, table = RowSGD(0.5), tf.Variable([[1.0], [1.0]])
        >>> optimizer.build(table)
        >>> optimizer.apply(table, ids=tf.constant([1], tf.int64), gradients=tf.constant([[0.2]]))
        >>> table.numpy()
        array([[1. ],
               [0.9]], dtype=float32)
    """

    velocity: tf.Variable  # [Y, d]

    def __init__(self, learning_rate: float | None = None, *, momentum: float = 0.0) -> None:
        super().__init__(learning_rate)
        if not 0 <= momentum < 1:
            raise ValueError(f"momentum must be in [0, 1), received {momentum}")
        self.momentum = momentum

    def build(self, table: tf.Variable) -> None:
        """Makes the velocity, unless momentum is 0."""
        if self.momentum:
            self.velocity = tf.Variable(tf.zeros(table.shape), trainable=False)

    @property
    def state(self) -> dict[str, tf.Variable]:
        """The velocity, unless momentum is 0."""
        return {"velocity": self.velocity} if self.momentum else {}

    def step(
        self, ids: tf.Tensor | None, gradients: tf.Tensor, learning_rate: tf.Tensor
    ) -> tf.Tensor:
        """The new velocity, with the other sign."""
        step = learning_rate * gradients
        if self.momentum:
            step -= self.momentum * read_rows(self.velocity, ids)
            write_rows(self.velocity, ids, -step)
        return step

    def get_config(self) -> dict[str, Any]:
        """The arguments of `__init__`."""
        return {**super().get_config(), "momentum": self.momentum}
