"""Adagrad on the touched rows of a table."""

from typing import Any

import keras
import tensorflow as tf

from tagkeras.optimizers.row_optimizer import RowOptimizer, read_rows, write_rows


@keras.saving.register_keras_serializable(package="tagkeras")
class RowAdagrad(RowOptimizer):
    """a += g^2; row -= learning_rate g / sqrt(a + epsilon), as `keras.optimizers.Adagrad`.

    Args:
        learning_rate: above 0; None for that of each call, as in `RowOptimizer`.
        initial_accumulator_value: where a starts, at least 0. The first steps are about
            learning_rate / sqrt(1 + initial_accumulator_value / g^2) long, and the mean over a
            batch makes g small: Keras's 0.1 would hold a model near the saddle at zero.
        epsilon: added to a.

    Example:
        >>> optimizer, table = RowAdagrad(0.5), tf.Variable([[1.0], [1.0]])
        >>> optimizer.build(table)
        >>> optimizer.apply(table, ids=tf.constant([1], tf.int64), gradients=tf.constant([[2.0]]))
        >>> table.numpy().round(3).tolist()
        [[1.0], [0.5]]

    References:
        Duchi, Hazan, Singer, "Adaptive Subgradient Methods" (JMLR 2011).
    """

    accumulator: tf.Variable  # [Y, d]

    def __init__(
        self,
        learning_rate: float | None = None,
        *,
        initial_accumulator_value: float = 1e-6,
        epsilon: float = 1e-7,
    ) -> None:
        super().__init__(learning_rate)
        if initial_accumulator_value < 0:
            raise ValueError(
                "initial_accumulator_value must be at least 0,"
                f" received {initial_accumulator_value}"
            )
        self.initial_accumulator_value = initial_accumulator_value
        self.epsilon = epsilon

    def build(self, table: tf.Variable) -> None:
        """Makes the accumulator."""
        start = tf.fill(table.shape, self.initial_accumulator_value)
        self.accumulator = tf.Variable(start, trainable=False)

    @property
    def state(self) -> dict[str, tf.Variable]:
        """The accumulator."""
        return {"accumulator": self.accumulator}

    def step(
        self, ids: tf.Tensor | None, gradients: tf.Tensor, learning_rate: tf.Tensor
    ) -> tf.Tensor:
        """Adds the squares; the step is scaled by the root of their sum."""
        accumulated = read_rows(self.accumulator, ids) + tf.square(gradients)
        write_rows(self.accumulator, ids, accumulated)
        return learning_rate * gradients * tf.math.rsqrt(accumulated + self.epsilon)

    def get_config(self) -> dict[str, Any]:
        """The arguments of `__init__`."""
        return {
            **super().get_config(),
            "initial_accumulator_value": self.initial_accumulator_value,
            "epsilon": self.epsilon,
        }
