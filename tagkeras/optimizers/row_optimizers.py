"""Optimizers that update the touched rows of a table, and no others: SGD and Adagrad."""

import abc
from typing import Any

import keras
import tensorflow as tf

from tagkeras.configured import Configured
from tagkeras.layers.max_norm import project_max_norm


class RowOptimizer(Configured, tf.Module, abc.ABC):
    """Updates the rows of a table that a step touched: their values, their state, their norm.

    Keras optimizers rewrite the whole table and its state in each step, and apply duplicate ids
    one by one; here the cost of a step grows with its rows, not with the table, and the gradients
    of equal ids are summed. State of rows that a step does not touch stays as it was ("lazy").

    Args:
        learning_rate: above 0; a variable afterwards, so that schedules can assign it. None for the
            rate that each call of `apply` names, as a model names that of its Keras optimizer.
    """

    def __init__(self, learning_rate: float | None = None) -> None:
        super().__init__()
        if learning_rate is not None and learning_rate <= 0:
            raise ValueError(f"learning_rate must be above 0, received {learning_rate}")
        self.learning_rate: Any = None
        if learning_rate is not None:
            self.learning_rate = tf.Variable(learning_rate, trainable=False, dtype=tf.float32)

    @abc.abstractmethod
    def build(self, table: Any) -> None:
        """Makes the state for a table of shape [Y, d]."""

    @property
    @abc.abstractmethod
    def state(self) -> dict[str, tf.Variable]:
        """The variables with a row for each row of the table, by name."""

    @abc.abstractmethod
    def step(
        self, ids: tf.Tensor | None, gradients: tf.Tensor, learning_rate: tf.Tensor
    ) -> tf.Tensor:
        """Updates the state of these rows; returns what to subtract from them, [rows, d]."""

    def apply(
        self,
        table: tf.Variable,
        ids: tf.Tensor | None,
        gradients: tf.Tensor,
        *,
        learning_rate: tf.Tensor | float | None = None,
        max_norm: float | None = None,
    ) -> None:
        """One step on some rows of the table.

        Args:
            table: float [Y, d].
            ids: int64 [rows], in any order; the gradients of equal ids are summed. None for all
                rows of the table.
            gradients: float [rows, d], of the loss by these rows.
            learning_rate: of this step, where the optimizer has none of its own.
            max_norm: radius of the ball that these rows are projected onto; None for no bound.
        """
        rate = learning_rate if self.learning_rate is None else self.learning_rate
        if rate is None:
            raise ValueError("a row optimizer without a learning_rate needs one in each call")
        if ids is not None:
            ids, gradients = sum_duplicates(ids, gradients)
        step = self.step(ids, gradients, tf.cast(rate, tf.float32))
        rows = read_rows(table, ids) - step
        if max_norm is not None:
            rows = project_max_norm(rows, max_norm, axis=1)
        write_rows(table, ids, rows)

    def get_config(self) -> dict[str, Any]:
        """The arguments of `__init__`, with the rate as it is now."""
        rate = None if self.learning_rate is None else float(self.learning_rate.numpy())
        return {**super().get_config(), "learning_rate": rate}


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


def sum_duplicates(ids: tf.Tensor, gradients: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Sums the gradients of equal ids.

    Shapes stay as they are, so that XLA can compile it, and the sums are the same in every run on
    one machine: equal ids are added up in the order of `ids`.

    Args:
        ids: int64 [R].
        gradients: float [R, d].

    Returns:
        Ids and gradients of the same shapes: the distinct ids, ascending, with their sums, and then
        the first of them repeated with its sum, so that assigning to a row twice assigns the same
        value.
    """
    order = tf.argsort(ids, stable=True)
    ordered = tf.gather(ids, order)
    is_first = tf.concat([tf.ones_like(ordered[:1], tf.bool), ordered[1:] != ordered[:-1]], axis=0)
    slot = tf.cumsum(tf.cast(is_first, tf.int32)) - 1
    size = tf.size(ids)
    sums = tf.math.unsorted_segment_sum(tf.gather(gradients, order), slot, size)
    distinct = tf.math.unsorted_segment_max(ordered, slot, size)
    source = tf.range(size)
    source = tf.where(source <= slot[-1:], source, 0)
    return tf.gather(distinct, source), tf.gather(sums, source)


def read_rows(variable: tf.Variable, ids: tf.Tensor | None) -> tf.Tensor:
    """Rows of a table or of its state, [rows, d]; ids of Y or more are padding and read any row."""
    if ids is None:
        return tf.convert_to_tensor(variable)
    return tf.gather(variable, tf.minimum(ids, variable.shape[0] - 1))


def write_rows(variable: tf.Variable, ids: tf.Tensor | None, rows: tf.Tensor) -> None:
    """Assigns rows; those of Y or more are dropped, which only XLA does.

    Of a mirrored variable it writes the replica's own copy; all replicas write the same values.
    """
    if ids is None:
        tf.raw_ops.AssignVariableOp(resource=variable.handle, value=rows)
    else:
        tf.raw_ops.ResourceScatterUpdate(resource=variable.handle, indices=ids, updates=rows)
