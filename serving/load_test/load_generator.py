"""Sends requests in a closed or an open loop and keeps their times."""

import asyncio
import itertools
import threading
import time

from serving.load_test.arrivals import arrivals
from serving.load_test.load import Load
from serving.load_test.samples import Samples
from serving.load_test.target import Target

# Requests that wait for an answer at a time; more would fill the memory of a generator that is too
# slow for the rate. What waits for its turn is sent late, which the report says.
_MAX_UNDER_WAY = 20_000


class LoadGenerator:
    """Puts a load on a target.

    One thread sends and receives for all requests under way. In an open loop, another one tells it
    when a request is due, as the clock of asyncio goes by whole milliseconds.

    Args:
        target: prepared.
        load: to put on it.

    Attributes:
        samples: of the requests after the warm-up, so far.
        busy: the part of the time that the sending thread was at work, 0 to 1; once `run`.
    """

    def __init__(self, target: Target, load: Load) -> None:
        self.samples = Samples()
        self.busy = 0.0
        self._target = target
        self._load = load
        self._start = 0.0

    async def run(self) -> None:
        """Sends all requests and waits until the last has ended."""
        cpu_start = time.thread_time()
        self._start = time.perf_counter()
        if self._load.clients is None:
            await self._open_loop()
        else:
            numbers = itertools.count()
            clients = (self._client(numbers) for _ in range(self._load.clients))
            await asyncio.gather(*clients)
        elapsed = time.perf_counter() - self._start
        self.busy = min(1.0, (time.thread_time() - cpu_start) / max(elapsed, 1e-9))

    async def _client(self, numbers: "itertools.count[int]") -> None:
        while True:
            now = time.perf_counter() - self._start
            number = next(numbers)
            if self._load.is_over(number, now):
                return
            await self._send(number, now)

    async def _open_loop(self) -> None:
        loop = asyncio.get_running_loop()
        under_way: set[asyncio.Task[None]] = set()
        stopping = threading.Event()
        places = threading.Semaphore(_MAX_UNDER_WAY)

        def end(task: asyncio.Task[None]) -> None:
            under_way.discard(task)
            places.release()

        def launch(number: int, due: float) -> None:
            task = loop.create_task(self._send(number, due))
            under_way.add(task)
            task.add_done_callback(end)

        def tell_when_due() -> None:
            assert self._load.rate is not None
            for number, due in enumerate(arrivals(self._load.arrivals, self._load.rate)):
                if self._load.is_over(number, due):
                    return
                left = self._start + due - time.perf_counter()
                if left > 0:
                    stopping.wait(left)
                places.acquire()
                if stopping.is_set():
                    return
                loop.call_soon_threadsafe(launch, number, due)

        try:
            await asyncio.to_thread(tell_when_due)
        finally:
            stopping.set()
        while under_way:
            await asyncio.wait(under_way)

    async def _send(self, number: int, due: float) -> None:
        sent = time.perf_counter() - self._start
        outcome = await self._target.send(number)
        done = time.perf_counter() - self._start
        self.samples.finished += 1
        if self._load.is_measured(number, due):
            # Not before it was due, by however little the clocks of two threads differ.
            self.samples.add(due, max(due, sent), done, outcome)
