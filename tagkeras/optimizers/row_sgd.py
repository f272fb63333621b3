"""Stochastic gradient descent with momentum on the touched rows of a table."""

import tensorflow as tf

from tagkeras.optimizers.row_optimizer import RowOptimizer, read_rows, write_rows


class RowSGD(RowOptimizer):
    """v = momentum v - learning_rate g; row += v, as `keras.optimizers.SGD`, on touched rows.

    The velocity of a row waits while the row is not touched.

    Args:
        learning_rate: above 0.
        momentum: in [0, 1); 0 keeps no state.
        max_norm: as in `RowOptimizer`.
    """

    velocity: tf.Variable  # [Y, d]

    def __init__(
        self, learning_rate: float, *, momentum: float = 0.0, max_norm: float | None = None
    ) -> None:
        super().__init__(learning_rate, max_norm=max_norm)
        if not 0 <= momentum < 1:
            raise ValueError(f"momentum must be in [0, 1), received {momentum}")
        self.momentum = momentum

    def build(self, table: tf.Variable) -> None:
        """Makes the velocity, unless momentum is 0."""
        if self.momentum:
            self.velocity = tf.Variable(tf.zeros(table.shape), trainable=False)

    def step(self, ids: tf.Tensor | None, gradients: tf.Tensor) -> tf.Tensor:
        """See `RowOptimizer.step`."""
        step = self.learning_rate * gradients
        if self.momentum:
            step -= self.momentum * read_rows(self.velocity, ids)
            write_rows(self.velocity, ids, -step)
        return step
