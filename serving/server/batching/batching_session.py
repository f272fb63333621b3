"""Runs the calls of one servable in batches, a queue for each signature."""

import logging
import queue
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence

import grpc
import numpy as np
from tensorflow.core.protobuf import meta_graph_pb2

from serving.server.batching.batch_queue import BatchQueue, Task
from serving.server.batching.batch_scheduler import BatchScheduler
from serving.server.batching.batch_tensors import batch_size, merge, split
from serving.server.errors import ServingError
from serving.tensors import Array

Run = Callable[[Mapping[str, Array], Sequence[str], float | None], list[Array]]

_log = logging.getLogger(__name__)
_WARNING_SECONDS = 120.0


class BatchingSession:
    """Batches in front of a session. Thread-safe.

    Calls that feed and fetch the tensors of a signature, all of them, join its batches; others are
    run alone. The first dimension of inputs and outputs is that of the batch.

    Args:
        scheduler: its threads run the batches.
        signatures: of the model.
        run: computes tensors from feeds within a time.
    """

    def __init__(
        self,
        scheduler: BatchScheduler,
        signatures: Iterable[meta_graph_pb2.SignatureDef],
        run: Run,
    ) -> None:
        self._scheduler = scheduler
        self._metrics = scheduler.metrics
        self._run = run
        self._warned = float("-inf")
        self._warn_lock = threading.Lock()
        self._queues: dict[tuple[frozenset[str], frozenset[str]], BatchQueue] = {}
        for signature in signatures:
            inputs = frozenset(tensor.name for tensor in signature.inputs.values())
            outputs = frozenset(tensor.name for tensor in signature.outputs.values())
            if (inputs, outputs) not in self._queues:
                self._queues[inputs, outputs] = self._new_queue(sorted(outputs))

    def run(
        self, feeds: Mapping[str, Array], fetches: Sequence[str], timeout: float | None = None
    ) -> list[Array]:
        """Computes tensors in a batch with other calls.

        Args:
            feeds: values by tensor name.
            fetches: names of the tensors to compute.
            timeout: seconds after which the call is given up; its batch goes on for the others.

        Raises:
            ServingError: the inputs have no common first dimension or do not go together with
                those of the batch, there is no room, or the batch failed for all its calls.
        """
        waiting = self._queues.get((frozenset(feeds), frozenset(fetches)))
        if waiting is None:
            self._warn(feeds, fetches)
            return self._run(feeds, fetches, timeout)
        enqueued = time.monotonic()
        size = batch_size(feeds)
        if self._metrics:
            for _ in feeds:
                self._metrics.record_input_size(size)
        deadline = None if timeout is None else enqueued + timeout
        task = Task(feeds, size, queue.SimpleQueue(), deadline, enqueued)
        parts = self._scheduler.submit(waiting, task)
        _wait(task, len(parts))
        if len(parts) == 1:
            return [task.outputs[name] for name in fetches]
        return [np.concatenate([part.outputs[name] for part in parts]) for name in fetches]

    def close(self) -> None:
        """Takes no more calls and makes those that wait run at once."""
        for waiting in self._queues.values():
            self._scheduler.close_queue(waiting)

    def wait_until_empty(self) -> None:
        """Waits until the last batch has ended."""
        for waiting in self._queues.values():
            self._scheduler.wait_until_empty(waiting)

    def _new_queue(self, outputs: list[str]) -> BatchQueue:
        return self._scheduler.new_queue(lambda tasks: self._process(tasks, outputs))

    def _process(self, tasks: list[Task], fetches: list[str]) -> None:
        failure = None
        try:
            self._run_batch(tasks, fetches)
        except ServingError as error:
            failure = error
        except Exception as error:  # whatever it is, the thread goes on
            _log.exception("a batch failed")
            failure = ServingError(grpc.StatusCode.INTERNAL, str(error))
        for task in tasks:
            task.error = failure
            task.done.put(task)

    def _run_batch(self, tasks: list[Task], fetches: list[str]) -> None:
        now = time.monotonic()
        if self._metrics:
            for task in tasks:
                self._metrics.record_queuing(now - task.enqueued)
        deadlines = [task.deadline for task in tasks]
        latest = None if None in deadlines else max(d for d in deadlines if d is not None)
        if latest is not None and latest <= now:
            raise ServingError(
                grpc.StatusCode.RESOURCE_EXHAUSTED,
                "Run() timeout exceeded while waiting in batching queue",
            )
        sizes = [task.size for task in tasks]
        size = sum(sizes)
        padded_size = self._scheduler.parameters.padded_size(size)
        if self._metrics:
            self._metrics.record_batch(padded_size, padded_size - size)
        feeds = merge(
            [task.feeds for task in tasks],
            padded_size - size,
            pad_variable_length=self._scheduler.parameters.pad_variable_length_inputs,
        )
        try:
            values = self._run(feeds, fetches, None if latest is None else latest - now)
        finally:
            if self._metrics:
                self._metrics.record_batch_run()
        rows = [split(np.asarray(value), sizes, padded_size - size) for value in values]
        for index, task in enumerate(tasks):
            task.outputs = {name: cut[index] for name, cut in zip(fetches, rows, strict=True)}

    def _warn(self, feeds: Iterable[str], fetches: Iterable[str]) -> None:
        with self._warn_lock:
            now = time.monotonic()
            if now - self._warned < _WARNING_SECONDS:
                return
            self._warned = now
        _log.warning(
            "Request doesn't match any declared signature and no default scheduler creator "
            "specified. Bypassing batcher. Request signature is: {input_tensors: <%s>, "
            "output_tensors: <%s>}",
            ", ".join(sorted(feeds)),
            ", ".join(sorted(fetches)),
        )


def _wait(task: Task, count: int) -> None:
    """Waits for the parts of a task; the first error ends it."""
    for _ in range(count):
        left = None if task.deadline is None else max(0.0, task.deadline - time.monotonic())
        try:
            part = task.done.get(timeout=left)
        except queue.Empty:
            raise ServingError(
                grpc.StatusCode.DEADLINE_EXCEEDED, "Timed out waiting for notification"
            ) from None
        if part.error:
            # A new one for each call: the threads that raise it add to its traceback.
            raise ServingError(part.error.code, part.error.message)
