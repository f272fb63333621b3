"""Adagrad on the touched rows of a table."""

import tensorflow as tf

from tagkeras.optimizers.row_optimizer import RowOptimizer, read_rows, write_rows


class RowAdagrad(RowOptimizer):
    """a += g^2; row -= learning_rate g / sqrt(a + epsilon), as `keras.optimizers.Adagrad`.

    Args:
        learning_rate: above 0.
        initial_accumulator: where a starts, at least 0.
        epsilon: added to a.
        max_norm: as in `RowOptimizer`.

    References:
        Duchi, Hazan, Singer, "Adaptive Subgradient Methods" (JMLR 2011).
    """

    accumulator: tf.Variable  # [Y, d]

    def __init__(
        self,
        learning_rate: float,
        *,
        initial_accumulator: float = 0.1,
        epsilon: float = 1e-7,
        max_norm: float | None = None,
    ) -> None:
        super().__init__(learning_rate, max_norm=max_norm)
        self.initial_accumulator = initial_accumulator
        self.epsilon = epsilon

    def build(self, table: tf.Variable) -> None:
        """Makes the accumulator."""
        self.accumulator = tf.Variable(
            tf.fill(table.shape, self.initial_accumulator), trainable=False
        )

    def step(self, ids: tf.Tensor | None, gradients: tf.Tensor) -> tf.Tensor:
        """See `RowOptimizer.step`."""
        accumulated = read_rows(self.accumulator, ids) + tf.square(gradients)
        write_rows(self.accumulator, ids, accumulated)
        return self.learning_rate * gradients * tf.math.rsqrt(accumulated + self.epsilon)
