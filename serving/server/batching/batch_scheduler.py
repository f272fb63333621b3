"""The threads that run batches, one queue of them after the other."""

import threading
import time
from collections import deque
from collections.abc import Callable

from serving.server.batching.batch_queue import BatchQueue, Task
from serving.server.batching.parameters import BatchingParameters
from serving.server.monitoring.metrics import Metrics


class BatchScheduler:
    """Threads shared by the queues of all models of a server. Thread-safe.

    Idle threads sleep until a batch is full or the first one has waited long enough. Queues take
    turns, a batch each.

    Args:
        parameters: those of the threads and of every queue.
        metrics: where batches are counted.
    """

    def __init__(self, parameters: BatchingParameters, metrics: Metrics | None = None) -> None:
        self.parameters = parameters
        self.metrics = metrics
        lock = threading.Lock()
        self._work = threading.Condition(lock)
        self._done = threading.Condition(lock)
        # Queues with waiting tasks; the first one's turn is next.
        self._waiting: deque[BatchQueue] = deque()
        self._closed = False
        self._threads = [
            threading.Thread(
                target=self._run, name=f"{parameters.thread_pool_name}_{number}", daemon=True
            )
            for number in range(parameters.num_batch_threads)
        ]
        for thread in self._threads:
            thread.start()

    def new_queue(self, process: Callable[[list[Task]], None]) -> BatchQueue:
        """A queue whose batches are given to `process`, which must not raise."""
        return BatchQueue(self.parameters, process)

    def submit(self, queue: BatchQueue, task: Task) -> list[Task]:
        """Appends a task to a queue; see `BatchQueue.add`."""
        with self._work:
            if self._closed:
                queue.closed = True
            waited, due = queue.waiting, queue.due
            parts = queue.add(task)
            if not waited:
                self._waiting.append(queue)
            # A thread that sleeps knows of the batch unless it is new or was not due then.
            if not waited or queue.due != due:
                self._work.notify()
            return parts

    def close_queue(self, queue: BatchQueue) -> None:
        """Takes no more tasks and makes those that wait run at once."""
        with self._work:
            queue.closed = True
            self._work.notify()

    def wait_until_empty(self, queue: BatchQueue) -> None:
        """Waits until every task of a closed queue is done."""
        with self._done:
            self._done.wait_for(lambda: not queue.waiting and not queue.running)

    def close(self) -> None:
        """Runs what waits, then ends the threads; later tasks are refused."""
        with self._work:
            self._closed = True
            for queue in self._waiting:
                queue.closed = True
            self._work.notify_all()
        for thread in self._threads:
            thread.join()

    def _run(self) -> None:
        """A thread's work; it keeps nothing of a batch that is done."""
        while self._run_one():
            pass

    def _run_one(self) -> bool:
        found = self._next()
        if found is None:
            return False
        queue, tasks = found
        queue.process(tasks)
        with self._done:
            queue.running -= 1
            if queue.closed:
                self._done.notify_all()
        return True

    def _next(self) -> tuple[BatchQueue, list[Task]] | None:
        """Waits for the next batch; None once the scheduler is closed and no task is left."""
        with self._work:
            while True:
                now = time.monotonic()
                found = self._take(now)
                if found:
                    if self._waiting:  # for another thread, this one being busy now
                        self._work.notify()
                    return found
                if self._closed:
                    return None
                first = min((queue.due for queue in self._waiting), default=None)
                self._work.wait(None if first is None else max(0.0, first - now))

    def _take(self, now: float) -> tuple[BatchQueue, list[Task]] | None:
        for _ in range(len(self._waiting)):
            queue = self._waiting.popleft()
            tasks = queue.take(now)
            if queue.waiting:
                self._waiting.append(queue)
            if tasks is not None:
                return queue, tasks
        return None
