"""Epochs of steps that Keras's `fit` cannot take: on several replicas, or by several threads."""

import abc
from collections.abc import Iterator, Sequence

import keras
import tensorflow as tf

from tagkeras.models import HashtagModel


class StepTaker(abc.ABC):
    """Takes training steps, several at once or one after the other.

    Args:
        model: compiled.
    """

    # Steps that are taken between two calls of the callbacks.
    steps_at_once: int = 1

    def __init__(self, model: HashtagModel) -> None:
        self.model = model

    @abc.abstractmethod
    def batches(
        self, *, first_epoch: int, epochs: int, first_step: int = 0
    ) -> Iterator[tf.types.experimental.TensorLike]:
        """Batches for `take`, from a step of an epoch on."""

    @abc.abstractmethod
    def take(self, batches: Iterator[tf.types.experimental.TensorLike], count: int) -> None:
        """Takes `count` steps."""

    @abc.abstractmethod
    def validate(self, validation: tf.data.Dataset) -> None:
        """Brings the model's ranking metrics up to the whole of `validation`."""


def run_epochs(
    taker: StepTaker,
    callbacks: Sequence[keras.callbacks.Callback],
    *,
    steps_per_epoch: int,
    first_epoch: int,
    epochs: int,
    first_step: int = 0,
    validation: tf.data.Dataset | None = None,
    verbose: int = 0,
) -> None:
    """Trains as `keras.Model.fit` does, with the same calls of the callbacks.

    Args:
        taker: of the steps.
        callbacks: as `fit` takes them.
        steps_per_epoch: of a whole epoch.
        first_epoch: number of the epoch to begin with, from 0.
        epochs: number of the last epoch, plus 1.
        first_step: how many steps of the first epoch were taken already; callbacks count those
            that follow from 0, as they do in a `fit` of these alone.
        validation: batches to rank after each epoch.
        verbose: as `fit` takes it: 1 for a bar, 2 for a line an epoch.
    """
    model = taker.model
    called = keras.callbacks.CallbackList(
        list(callbacks),
        add_progbar=bool(verbose),
        model=model,
        verbose=verbose,
        epochs=epochs,
        steps=steps_per_epoch - first_step,
    )
    batches = taker.batches(first_epoch=first_epoch, epochs=epochs, first_step=first_step)
    model.stop_training = False
    called.on_train_begin()
    for epoch in range(first_epoch, epochs):
        model.reset_metrics()
        called.on_epoch_begin(epoch)
        steps = steps_per_epoch - (first_step if epoch == first_epoch else 0)
        done = 0
        while done < steps and not model.stop_training:
            count = min(taker.steps_at_once, steps - done)
            called.on_train_batch_begin(done)
            taker.take(batches, count)
            done += count
            called.on_train_batch_end(done - 1, _results(model.training_metrics))
        logs = _results(model.training_metrics)
        if validation is not None and done == steps:
            model.reset_metrics()
            taker.validate(validation)
            ranked = _results(model.ranking_metrics)
            logs |= {f"val_{name}": value for name, value in ranked.items()}
        called.on_epoch_end(epoch, logs)
        if model.stop_training:
            break
    called.on_train_end()


def _results(metrics: Sequence[keras.metrics.Metric]) -> dict[str, float]:
    return {metric.name: float(metric.result()) for metric in metrics}
