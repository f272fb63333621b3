"""Hogwild: threads that train one model together without waiting for each other."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import tensorflow as tf

from tagkeras.data.training_input import TrainingInput
from tagkeras.models import HashtagModel
from tagkeras.train.epoch_loop import StepTaker

# Steps of each thread between two rounds. A round ends when all threads are done, so that a
# checkpoint knows which posts were seen.
STEPS_OF_THREAD = 64


class Hogwild(StepTaker):
    """N threads take steps on the same variables, without locks over a step.

    Each thread reads the weights, and writes its update, whatever the others have written since: an
    update may be lost or come late. With small batches and sparse updates this costs little, and
    no thread ever waits. Two runs never end alike.

    Args:
        model: compiled.
        posts: training posts.
        num_threads: N, at least 1.

    References:
        Niu, Recht, Ré, Wright, "Hogwild!" (NIPS 2011), by which Denton et al. (KDD 2015, section
        5.2) trained.
    """

    def __init__(self, model: HashtagModel, posts: TrainingInput, num_threads: int) -> None:
        super().__init__(model)
        if num_threads < 1:
            raise ValueError(f"num_threads must be at least 1, received {num_threads}")
        self.steps_at_once = num_threads * STEPS_OF_THREAD
        self._posts = posts
        self._num_threads = num_threads
        self._pool = ThreadPoolExecutor(num_threads, thread_name_prefix="hogwild")
        self._step = tf.function(model.train_step, reduce_retracing=True)

    def batches(
        self, *, first_epoch: int, epochs: int, first_step: int = 0
    ) -> Iterator[dict[str, Any]]:
        """See `StepTaker.batches`; threads take theirs from the same iterator."""
        return iter(
            self._posts.batches(first_epoch=first_epoch, epochs=epochs, first_step=first_step)
        )

    def take(self, batches: Iterator[dict[str, Any]], count: int) -> None:
        """See `StepTaker.take`: threads share the steps evenly, whoever is faster helps out."""
        numbers = iter(range(count))  # `next` of it is atomic

        def work(thread: int) -> None:
            # One thread draws what a plain run does.
            arguments = [tf.constant(thread)] if self._num_threads > 1 else []
            for _ in numbers:
                self._step(next(batches), *arguments)

        # `list` raises what a thread raised.
        list(self._pool.map(work, range(self._num_threads)))

    def validate(self, validation: tf.data.Dataset) -> None:
        """See `StepTaker.validate`."""
        test_step = tf.function(self.model.test_step, reduce_retracing=True)
        for batch in validation:
            test_step(batch)
