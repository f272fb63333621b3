"""Data-parallel training: each replica takes its share of every batch, all make the same step."""

import contextlib
import json
import os
import re
from collections.abc import Callable, Iterator
from typing import Any

import tensorflow as tf

from tagkeras.cli.errors import UserError
from tagkeras.data.training_input import TrainingInput
from tagkeras.models import HashtagModel
from tagkeras.train.epoch_loop import StepTaker

STRATEGIES = ("none", "mirrored", "multi_worker")
# Looking at the loss takes all workers, and waits for them.
STEPS_AT_ONCE = 16
_ADDRESS = re.compile(r"[^:\s]+:\d+")
# What the end of one worker ends the others with.
_LOST = (tf.errors.UnavailableError, tf.errors.AbortedError, tf.errors.DeadlineExceededError)


def make_strategy(name: str) -> tf.distribute.Strategy | None:
    """The strategy of one of `STRATEGIES`; None for a single device.

    `multi_worker` connects to the other workers, and has to come before any other use of
    TensorFlow in the process.

    Raises:
        UserError: `multi_worker` without a `TF_CONFIG` that names the workers and this one.
    """
    if name == "mirrored":
        devices = tf.config.list_logical_devices("GPU") or tf.config.list_logical_devices("CPU")
        print(f"training on {', '.join(device.name for device in devices)}", flush=True)
        return tf.distribute.MirroredStrategy([device.name for device in devices])
    if name == "multi_worker":
        _read_tf_config()
        return tf.distribute.MultiWorkerMirroredStrategy()
    return None


def is_first_worker() -> bool:
    """Whether this worker is the one that writes: the chief, or else the first."""
    cluster, kind, index = _read_tf_config()
    return kind == "chief" or (index == 0 and "chief" not in cluster)


@contextlib.contextmanager
def lost_workers_named() -> Iterator[None]:
    """Turns what the end of another worker raises in the block into one clear error.

    Raises:
        UserError: another worker is gone.
    """
    try:
        yield
    except _LOST as error:
        raise UserError(
            f"another worker cannot be reached any more ({str(error).splitlines()[0]}):"
            " start all workers again; they go on from the newest checkpoint"
        ) from error


def make_agreement(strategy: tf.distribute.Strategy) -> Callable[[bool], bool]:
    """A function that all workers have to call together: whether any of them says so."""

    def count(flag: tf.Tensor) -> tf.Tensor:
        replica = tf.distribute.get_replica_context()
        # `identity` places it on the replica's device.
        return replica.all_reduce(tf.distribute.ReduceOp.SUM, tf.identity(flag))

    run = tf.function(lambda flag: strategy.run(count, args=(flag,)))

    def is_said_by_any(flag: bool) -> bool:
        totals = strategy.experimental_local_results(run(tf.constant(float(flag))))
        return float(totals[0]) > 0

    return is_said_by_any


class Replicas(StepTaker):
    """Takes steps by `strategy.run`, each on one global batch.

    Replica r of R takes the r-th of R consecutive slices of a batch. Keras's `fit` would do, but
    for the ragged tags, which its distributed iterators cannot hold.

    Args:
        model: made and compiled in the scope of `strategy`.
        posts: training posts; its batch is the global one.
        strategy: of the replicas.
        steps_at_once: steps between two calls of the callbacks, at least `STEPS_AT_ONCE`.
    """

    def __init__(
        self,
        model: HashtagModel,
        posts: TrainingInput,
        strategy: tf.distribute.Strategy,
        steps_at_once: int = 1,
    ) -> None:
        super().__init__(model)
        self.steps_at_once = max(steps_at_once, STEPS_AT_ONCE)
        self._posts = posts
        self._strategy = strategy
        self._step = tf.function(
            lambda batch: strategy.run(model.train_step, args=(batch,)), reduce_retracing=True
        )
        self._test_step = tf.function(
            lambda batch: strategy.run(self._test_slice, args=(batch,)), reduce_retracing=True
        )

    def batches(self, *, first_epoch: int, epochs: int, first_step: int = 0) -> Iterator[Any]:
        """See `StepTaker.batches`; each element holds a slice for every replica of this process."""

        def read(context: tf.distribute.InputContext) -> tf.data.Dataset:
            count = context.num_replicas_in_sync
            local = count // context.num_input_pipelines
            first = context.input_pipeline_id * local
            return self._posts.batches(
                first_epoch=first_epoch,
                epochs=epochs,
                first_step=first_step,
                num_slices=count,
                slices=range(first, first + local),
            )

        return iter(self._strategy.distribute_datasets_from_function(read))

    def take(self, batches: Iterator[Any], count: int) -> None:
        """See `StepTaker.take`."""
        for _ in range(count):
            self._step(next(batches))

    def validate(self, validation: tf.data.Dataset) -> None:
        """See `StepTaker.validate`; all processes read all of it, each replica ranks its slice."""
        for batch in validation:
            self._test_step(batch)

    def _test_slice(self, batch: tuple[Any, Any]) -> None:
        replica = tf.distribute.get_replica_context()
        size = tf.shape(batch[0]["descriptor"])[0]
        number = replica.replica_id_in_sync_group
        start = number * size // replica.num_replicas_in_sync
        end = (number + 1) * size // replica.num_replicas_in_sync
        self.model.test_step(tf.nest.map_structure(lambda values: values[start:end], batch))


def _read_tf_config() -> tuple[dict[str, list[str]], str, int]:
    """The cluster that `TF_CONFIG` names, and this worker's kind and index in it.

    Raises:
        UserError: it names none, or not this worker.
    """
    remedy = (
        'set it on every worker, as {"cluster": {"worker": ["host1:port", "host2:port"]}, "task":'
        ' {"type": "worker", "index": 0}}'
    )
    text = os.environ.get("TF_CONFIG")
    if not text:
        raise UserError(
            f"--strategy=multi_worker needs the environment variable TF_CONFIG: {remedy}"
        )
    try:
        config = json.loads(text)
        cluster, kind = config["cluster"], config["task"]["type"]
        index = int(config["task"]["index"])
        is_sound = 0 <= index < len(cluster[kind]) and all(
            isinstance(addresses, list) and all(_ADDRESS.fullmatch(a) for a in addresses)
            for addresses in cluster.values()
        )
    except (ValueError, KeyError, TypeError, AttributeError):
        is_sound = False
    if not is_sound:
        raise UserError(f"TF_CONFIG={text} names no cluster with this worker: {remedy}")
    return cluster, kind, index
