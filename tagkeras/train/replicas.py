"""Data-parallel training: each replica takes its share of every batch, all take the same step."""

import contextlib
import json
import os
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import tensorflow as tf

from tagkeras.cli.errors import UserError
from tagkeras.data.training_input import TrainingInput
from tagkeras.models import HashtagModel
from tagkeras.train.checkpoints import RunState
from tagkeras.train.loop import Stepper, read_metrics

# Reading the loss involves all workers, and waits for them.
STEPS_PER_CALL = 16
_ADDRESS = re.compile(r"[^:\s]+:\d+")
# Raised in the other workers when one ends.
_LOST = (tf.errors.UnavailableError, tf.errors.AbortedError, tf.errors.DeadlineExceededError)


def make_strategy(name: str) -> tf.distribute.Strategy | None:
    """The strategy of one of `tagkeras.train.config.STRATEGIES`; None for a single device.

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
def lost_worker_errors() -> Iterator[None]:
    """Turns what the loss of another worker raises in the block into a `UserError`."""
    try:
        yield
    except _LOST as error:
        raise UserError(
            f"another worker cannot be reached any more ({str(error).splitlines()[0]}):"
            " start all workers again; they resume from the newest checkpoint"
        ) from error


def make_any_worker(strategy: tf.distribute.Strategy) -> Callable[[bool], bool]:
    """A function that all workers have to call together: whether the condition holds on any."""

    def any_worker(flag: bool) -> bool:
        flags = strategy.run(lambda: tf.constant(float(flag)))
        return float(strategy.reduce(tf.distribute.ReduceOp.SUM, flags, axis=None)) > 0

    return any_worker


class Replicas(Stepper):
    """Takes steps by `strategy.run`: replica r of R takes the r-th of R slices of each batch.

    The model is made and compiled in the scope of `strategy`; callbacks are called after
    `STEPS_PER_CALL` steps at least.
    """

    def __init__(
        self,
        model: HashtagModel,
        posts: TrainingInput,
        strategy: tf.distribute.Strategy,
        steps_per_call: int = 1,
    ) -> None:
        super().__init__(model, posts, max(steps_per_call, STEPS_PER_CALL))
        self._strategy = strategy

    def batches(self, state: RunState, epochs: int) -> Iterator[Any]:
        """As for one device; each element holds a slice for every replica of this process."""

        def read(context: tf.distribute.InputContext) -> tf.data.Dataset:
            count = context.num_replicas_in_sync
            local = count // context.num_input_pipelines
            first = context.input_pipeline_id * local
            return self.posts.batches(
                first_epoch=state.epoch,
                epochs=epochs,
                first_step=state.step,
                num_slices=count,
                slices=range(first, first + local),
            )

        return iter(self._strategy.distribute_datasets_from_function(read))

    def take(self, batches: Iterator[Any], count: int) -> Mapping[str, tf.Tensor]:
        """Takes `count` steps; returns the means of the epoch so far by name."""
        for _ in range(count):
            self._step(batches)
        return read_metrics(self.model.training_metrics)

    def _train(self, batch: Any, *thread: tf.Tensor) -> Any:
        return self._strategy.run(super()._train, args=(batch, *thread))

    def _test(self, batch: Any) -> Any:
        return self._strategy.run(self._test_slice, args=(batch,))

    def _test_slice(self, batch: tuple[dict[str, Any], dict[str, Any]]) -> None:
        """Ranks a replica's slice of a batch, all of which every process reads."""
        replica = tf.distribute.get_replica_context()
        size = tf.shape(batch[0]["descriptor"])[0]
        number = replica.replica_id_in_sync_group
        start = number * size // replica.num_replicas_in_sync
        end = (number + 1) * size // replica.num_replicas_in_sync
        self.model.test_step(tf.nest.map_structure(lambda values: values[start:end], batch))


def _read_tf_config() -> tuple[dict[str, list[str]], str, int]:
    """The cluster that `TF_CONFIG` names, and this worker's kind and index in it."""
    text = os.environ.get("TF_CONFIG", "")
    try:
        config = json.loads(text)
        cluster, kind = config["cluster"], config["task"]["type"]
        index = int(config["task"]["index"])
        is_valid = 0 <= index < len(cluster[kind]) and all(
            isinstance(addresses, list) and all(_ADDRESS.fullmatch(a) for a in addresses)
            for addresses in cluster.values()
        )
    except (ValueError, KeyError, TypeError, AttributeError):
        is_valid = False
    if not is_valid:
        raise UserError(
            f"--strategy=multi_worker: the environment variable TF_CONFIG ({text or 'not set'})"
            " names no cluster with this worker: set it on every worker, as"
            ' {"cluster": {"worker": ["host1:port", "host2:port"]},'
            ' "task": {"type": "worker", "index": 0}}'
        )
    return cluster, kind, index
