"""The mean of the weights over a run's last epochs, better than any of them alone."""

import contextlib
from collections.abc import Iterator

import tensorflow as tf

from tagkeras.models import HashtagModel
from tagkeras.train.checkpoints import RunState

# Means of more points of a short epoch are better; each costs a pass over the tag table.
POINTS_AN_EPOCH = 8


class WeightAverage:
    """Averages weights and tag table at some points of an epoch: steps cost what they cost without.

    Small steps at a high rate wander about a good place; their mean is nearer to it.

    Args:
        model: built, in the scope of its strategy.
        share: of the epochs, the last ones, that count; 0 for none.
        epochs: of the run.

    Attributes:
        means: variables, part of the run's checkpoints.

    References:
        Izmailov et al., "Averaging Weights Leads to Wider Optima and Better Generalization" (UAI
        2018); Polyak and Juditsky (1992).
    """

    def __init__(self, model: HashtagModel, share: float, epochs: int) -> None:
        self._last_alone = epochs * (1 - share)
        weights = [*model.embedding.weights, model.tag_table] if share else []
        self._weights = [weight.value for weight in weights]
        self.means = [tf.Variable(tf.zeros(w.shape), trainable=False) for w in self._weights]

    def add(self, state: RunState) -> None:
        """Adds the weights as they are, in the epochs that count."""
        epochs_done = state.epoch + state.step / state.steps_per_epoch
        if not self._weights or epochs_done <= self._last_alone:
            return
        state.averaged += 1
        for mean, weight in zip(self.means, self._weights, strict=True):
            value = tf.convert_to_tensor(mean)
            mean.assign(value + (tf.convert_to_tensor(weight) - value) / state.averaged)

    def steps_until_next(self, state: RunState) -> int:
        """Steps to take, from a state on, until the next point to `add`."""
        if not self._weights or state.epoch + 1 <= self._last_alone:
            return state.steps_per_epoch - state.step
        interval = -(-state.steps_per_epoch // POINTS_AN_EPOCH)
        return min(interval - state.step % interval, state.steps_per_epoch - state.step)

    @contextlib.contextmanager
    def in_use(self, state: RunState) -> Iterator[None]:
        """The model has the means for weights in the block, once there are any."""
        if state.averaged:
            self._exchange()
        yield
        if state.averaged:
            self._exchange()

    def _exchange(self) -> None:
        for mean, weight in zip(self.means, self._weights, strict=True):
            value = tf.identity(tf.convert_to_tensor(weight))
            weight.assign(tf.convert_to_tensor(mean))
            mean.assign(value)
