"""The mean of the weights at the ends of a run's last epochs, better than any of them alone."""

import contextlib
from collections.abc import Iterator

import tensorflow as tf

from tagkeras.models import HashtagModel
from tagkeras.train.checkpoints import RunState


class WeightAverage:
    """Averages weights and tag table once an epoch, so that a step costs what it costs without.

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
        """Adds the weights at the end of an epoch, which the state counts as done."""
        if state.epoch <= self._last_alone or not self._weights:
            return
        state.averaged += 1
        for mean, weight in zip(self.means, self._weights, strict=True):
            value = tf.convert_to_tensor(mean)
            mean.assign(value + (tf.convert_to_tensor(weight) - value) / state.averaged)

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
