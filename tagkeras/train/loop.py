"""The training loop, and how it takes its steps: on one device or by several threads.

`keras.Model.fit` would do for a plain run, but it can neither start in the middle of an epoch, nor
hold ragged tags in a distributed iterator, nor train by threads. One loop does for all, and makes
the `on_train_*` and `on_epoch_*` calls that `fit` makes.
"""

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import keras
import tensorflow as tf

from tagkeras.cli.errors import UserError
from tagkeras.data.post_tags import split_batch
from tagkeras.data.training_input import TrainingInput
from tagkeras.models import HashtagModel
from tagkeras.train.average import WeightAverage
from tagkeras.train.checkpoints import RunState

# Steps of each thread between two calls of the callbacks. All threads are done by then, so that a
# checkpoint knows which posts were seen.
STEPS_PER_THREAD = 64


class Stepper:
    """Takes training steps on one device, `steps_per_call` between two calls of the callbacks."""

    def __init__(self, model: HashtagModel, posts: TrainingInput, steps_per_call: int = 1) -> None:
        self.model = model
        self.posts = posts
        self.steps_per_call = steps_per_call
        self._store = posts.store
        self._step = tf.function(
            lambda batches, *thread: self._train(batches.get_next(), *thread), autograph=False
        )
        self._rank = tf.function(lambda batches: self._test(batches.get_next()), autograph=False)

    def batches(self, state: RunState, epochs: int) -> Iterator[Any]:
        """The batches of a run from its state to the end of so many epochs."""
        return iter(
            self.posts.batches(first_epoch=state.epoch, first_step=state.step, epochs=epochs)
        )

    def take(self, batches: Iterator[Any], count: int) -> Mapping[str, tf.Tensor]:
        """Takes `count` steps; returns the means of the epoch so far by name."""
        if count == 1:
            means: Mapping[str, tf.Tensor] = self._step(batches)
            return means
        return self._take_many(batches, tf.constant(count))

    def validate(self, validation: tf.data.Dataset) -> Mapping[str, tf.Tensor]:
        """Ranks the vocabulary for all of `validation`; returns the metrics by name."""
        batches = iter(validation)
        for _ in range(int(validation.cardinality())):
            self._rank(batches)
        return read_metrics(self.model.ranking_metrics)

    def _train(self, batch: Any, *thread: tf.Tensor) -> Any:
        batch = batch if self._store is None else self._store.lookup(batch)
        return self.model.train_step(split_batch(batch), *thread)

    def _test(self, batch: Any) -> Any:
        return self.model.test_step(batch)

    @tf.function
    def _take_many(self, batches: Iterator[Any], count: tf.Tensor) -> dict[str, tf.Tensor]:
        for _ in tf.range(count):
            self._step(batches)
        return read_metrics(self.model.training_metrics)


class Hogwild(Stepper):
    """N threads take steps on the same variables, without a lock over a step.

    Each thread reads the weights, and writes its update, whatever the others have written since: an
    update may be lost or come late. With small batches and sparse updates this costs little, and
    no thread ever waits. Two runs never end alike.

    References:
        Niu, Recht, Ré, Wright, "Hogwild!" (NIPS 2011), by which Denton et al. (KDD 2015, section
        5.2) trained.
    """

    def __init__(self, model: HashtagModel, posts: TrainingInput, num_threads: int) -> None:
        super().__init__(model, posts, num_threads * STEPS_PER_THREAD)
        self._num_threads = num_threads
        self._pool = ThreadPoolExecutor(num_threads, thread_name_prefix="hogwild")

    def take(self, batches: Iterator[Any], count: int) -> Mapping[str, tf.Tensor]:
        """Takes `count` steps, each by whichever thread is free."""
        numbers = iter(range(count))  # `next` of it is atomic

        def work(thread: int) -> None:
            # One thread draws what a plain run does.
            arguments = [tf.constant(thread)] if self._num_threads > 1 else []
            for _ in numbers:
                self._step(batches, *arguments)

        # `list` raises what a thread raised.
        list(self._pool.map(work, range(self._num_threads)))
        return read_metrics(self.model.training_metrics)


def train_epochs(
    stepper: Stepper,
    state: RunState,
    callbacks: Sequence[keras.callbacks.Callback],
    *,
    average: WeightAverage | None = None,
    epochs: int,
    validation: tf.data.Dataset | None = None,
    verbose: int = 0,
) -> None:
    """Trains from a state to the end of so many epochs, or until a callback stops the model.

    Args:
        stepper: of a compiled model.
        state: of the run; it is updated before callbacks are called.
        callbacks: called as by `keras.Model.fit`, with the numbers of steps in the whole epoch.
        average: of the weights, which `validation` is ranked by; None for the weights themselves.
        epochs: to be done in all.
        validation: batches to rank after each epoch.
        verbose: 1 for a bar, 2 for a line an epoch, 0 for neither.

    Raises:
        UserError: there are fewer posts than the dataset's manifest says.
    """
    model = stepper.model
    average = average or WeightAverage(model, 0, epochs)
    called = keras.callbacks.CallbackList(
        list(callbacks),
        add_progbar=verbose > 0,
        model=model,
        verbose=verbose,
        epochs=epochs,
        steps=state.steps_per_epoch,
    )
    batches = stepper.batches(state, epochs)
    model.stop_training = False
    called.on_train_begin()
    while state.epoch < epochs and not model.stop_training:
        epoch = state.epoch
        model.reset_metrics()
        if state.step:
            _restore_means(model, state)
        called.on_epoch_begin(epoch)
        logs: dict[str, float] = {}
        while state.step < state.steps_per_epoch:
            to_average = average.steps_until_next(state)
            count = min(stepper.steps_per_call, to_average)
            called.on_train_batch_begin(state.step)
            try:
                logs = _to_numbers(stepper.take(batches, count))
            except (StopIteration, tf.errors.OutOfRangeError) as error:
                raise UserError(
                    f"the posts ended after {state}: the dataset changed; copy it again, and the"
                    " same command resumes"
                ) from error
            state.step += count
            state.global_step += count
            if count == to_average:
                average.add(state)
            called.on_train_batch_end(state.step - 1, logs)
        state.epoch, state.step = epoch + 1, 0
        if validation is not None:
            model.reset_metrics()
            with average.in_use(state):
                ranked = _to_numbers(stepper.validate(validation))
            logs = {**logs, **{f"val_{name}": value for name, value in ranked.items()}}
        called.on_epoch_end(epoch, dict(sorted(logs.items())))
    called.on_train_end()


def read_metrics(metrics: Sequence[keras.metrics.Metric]) -> dict[str, tf.Tensor]:
    """Their results by name."""
    return {metric.name: metric.result() for metric in metrics}


def keep_means(model: HashtagModel, state: RunState) -> None:
    """Copies the current epoch's running means from a model to a state."""
    state.means = {
        metric.name: [read_scalar(variable) for variable in metric.variables]
        for metric in model.training_metrics
    }


def read_scalar(variable: keras.Variable) -> float:
    """The value of a variable of shape []; summed if replicas have a part each."""
    return float(tf.convert_to_tensor(variable.value))


def _restore_means(model: HashtagModel, state: RunState) -> None:
    for metric in model.training_metrics:
        values = state.means.get(metric.name, [])
        for variable, value in zip(metric.variables, values, strict=False):
            variable.assign(value)


def _to_numbers(values: Mapping[str, tf.Tensor]) -> dict[str, float]:
    return {name: float(value) for name, value in values.items()}
