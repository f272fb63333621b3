"""The calls of one signature that wait to be run together."""

import dataclasses
import queue
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence

import grpc

from serving.server.batching.parameters import BatchingParameters
from serving.server.errors import ServingError, invalid_argument
from serving.tensors import Array


@dataclasses.dataclass(slots=True, eq=False)
class Task:
    """A call, or the part of it that runs in one batch.

    Args:
        feeds: arrays by tensor name, all of the same length.
        size: that length.
        done: where the task goes once `outputs` or `error` is set.
        deadline: by `time.monotonic`; None for none.
        enqueued: by `time.monotonic`.

    Attributes:
        outputs: arrays by tensor name.
        error: why there are no outputs.
    """

    feeds: Mapping[str, Array]
    size: int
    done: "queue.SimpleQueue[Task]"
    deadline: float | None
    enqueued: float
    outputs: dict[str, Array] = dataclasses.field(init=False, default_factory=dict)
    error: ServingError | None = dataclasses.field(init=False, default=None)

    def parts(self, sizes: Sequence[int]) -> list["Task"]:
        """The task cut into tasks of these sizes."""
        parts = []
        start = 0
        for size in sizes:
            feeds = {name: value[start : start + size] for name, value in self.feeds.items()}
            parts.append(dataclasses.replace(self, feeds=feeds, size=size))
            start += size
        return parts


class _Batch:
    def __init__(self) -> None:
        self.tasks: list[Task] = []
        self.size = 0
        self.start = 0.0  # when the first task joined

    def add(self, task: Task) -> None:
        if not self.tasks:
            self.start = time.monotonic()
        self.tasks.append(task)
        self.size += task.size


class BatchQueue:
    """Batches of which all but the last are closed, and which wait in the order they began.

    Not thread-safe: `BatchScheduler` guards it.

    Args:
        parameters: how large batches become and how long they wait.
        process: runs a batch and sends every task of it to its `done`; raises nothing.

    Attributes:
        closed: no more tasks are taken, and the last batch waits no longer.
        running: batches that are being processed.
    """

    def __init__(
        self, parameters: BatchingParameters, process: Callable[[list[Task]], None]
    ) -> None:
        self.process = process
        self.closed = False
        self.running = 0
        self._parameters = parameters
        self._rows = parameters.batch_rows
        self._timeout = parameters.batch_timeout_micros / 1e6
        self._batches = deque([_Batch()])

    @property
    def waiting(self) -> bool:
        """Whether there is any task that no thread has taken."""
        return len(self._batches) > 1 or bool(self._batches[0].tasks)

    @property
    def due(self) -> float:
        """When the first batch is to run, by `time.monotonic`; only while any task waits."""
        if len(self._batches) > 1 or self._batches[0].size >= self._rows or self.closed:
            return 0.0
        return self._batches[0].start + self._timeout

    def add(self, task: Task) -> list[Task]:
        """Appends a task.

        Returns:
            The task, or the parts into which it was cut.

        Raises:
            ServingError: `INVALID_ARGUMENT` if it is too large ever to run, `UNAVAILABLE` if the
                queue is full or closed.
        """
        if self.closed:
            raise ServingError(grpc.StatusCode.UNAVAILABLE, "The batch scheduling queue is closed")
        self._check_capacity(task)
        parts = [task]
        room = self._rows - self._batches[-1].size
        if task.size > room and self._parameters.enable_large_batch_splitting:
            sizes = [room] if room else []
            while (left := task.size - sum(sizes)) > 0:
                sizes.append(min(left, self._rows))
            parts = task.parts(sizes)
        for part in parts:
            if self._batches[-1].size + part.size > self._rows:
                self._batches.append(_Batch())
            self._batches[-1].add(part)
        return parts

    def take(self, now: float) -> list[Task] | None:
        """The tasks of the first batch, if that is to run now; only while any task waits."""
        if now < self.due:
            return None
        self.running += 1
        batch = self._batches.popleft()
        if not self._batches:
            self._batches.append(_Batch())
        return batch.tasks

    def _check_capacity(self, task: Task) -> None:
        parameters = self._parameters
        if task.size > parameters.max_batch_size:
            raise invalid_argument(
                f"Task size {task.size} is larger than maximum input batch size "
                f"{parameters.max_batch_size}"
            )
        most, count = parameters.max_enqueued_batches, len(self._batches)
        last = self._batches[-1].size
        if parameters.enable_large_batch_splitting:
            capacity = (most - count) * self._rows + self._rows - last
            if task.size > capacity:
                raise _full(
                    f"task size is {task.size} but scheduling capacity is only {capacity} "
                    f"(num_enqueued_batches={count}, max_enqueued_batches={most}, "
                    f"open_batch_size={last}, max_execution_batch_size={self._rows})"
                )
        elif last + task.size > self._rows and count >= max(1, most):
            raise _full(
                f"currently {count} batches enqueued and max_enqueued_batches is {max(1, most)}"
            )


def _full(why: str) -> ServingError:
    return ServingError(
        grpc.StatusCode.UNAVAILABLE,
        f"The batch scheduling queue to which this task was submitted is full; {why}",
    )
