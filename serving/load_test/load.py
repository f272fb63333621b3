"""How much load, in which form and for how long; and the loop that puts it on a server."""

import array
import asyncio
import contextlib
import dataclasses
import itertools
import time
from collections.abc import Iterator

import numpy as np

from serving.load_test.targets import OK, Send
from tagkeras.cli.errors import UserError
from tagkeras.cli.progress import progress

# Requests under way at a time: more would fill the memory of a load generator that is too slow for
# the rate. Those beyond are sent late, which the report says.
_MAX_UNDER_WAY = 20_000
_SHORT_SLEEP_SECONDS = 0.004  # asyncio's own sleep may end whole milliseconds late


@dataclasses.dataclass(kw_only=True)
class Load:
    """A closed loop of clients, or an open loop at a rate; for a time or a number of requests.

    The fields are the flags of these names; `UserError` for those that exclude each other.
    """

    clients: int | None = None
    rate: float | None = None
    arrivals: str = "poisson"
    duration: float | None = None
    requests: int | None = None
    warmup: float | None = None

    def __post_init__(self) -> None:
        if self.clients is not None and self.rate is not None:
            raise UserError("--clients is a closed loop and --rate an open one; give one of them")
        if self.duration is not None and self.requests is not None:
            raise UserError("give --duration or --requests, not both")
        if self.rate is None:
            self.clients = self.clients or 1
        if self.requests is None:
            self.duration = self.duration or 10.0
        measured = self.requests or self.duration or 0.0
        tenth = measured / 10 if self.requests is None else measured // 10
        self._first = tenth if self.warmup is None else self.warmup
        self.total = self._first + measured  # requests or seconds, with the warm-up

    def is_over(self, number: int, seconds: float) -> bool:
        """Whether request `number` (from 0), due `seconds` after the start, is one too many."""
        return (seconds if self.requests is None else number) >= self.total

    def is_measured(self, number: int, seconds: float) -> bool:
        """Whether that request comes after the warm-up."""
        return (seconds if self.requests is None else number) >= self._first

    def due_times(self, seed: int = 0) -> Iterator[float]:
        """Seconds from the start at which requests of an open loop are due, without end."""
        assert self.rate is not None
        if self.arrivals == "even":
            return (number / self.rate for number in itertools.count())
        rng = np.random.default_rng(seed)
        return itertools.accumulate(rng.exponential(1 / self.rate) for _ in itertools.count())


class LoadGenerator:
    """Puts a load on a served model and keeps the times of what is measured, 32 bytes a request.

    Attributes:
        times: when each request was due, sent and done, in seconds, one after the other.
        statuses: how each ended.
        details: what the server said to the first request of each status but `OK`.
        busy: the share of the time that this thread was at work, 0 to 1, once `run`.
    """

    def __init__(self, load: Load) -> None:
        self.times = array.array("d")
        self.statuses: list[str] = []
        self.details: dict[str, str] = {}
        self.busy = 0.0
        self._load = load
        self._start = 0.0
        self._finished = 0

    async def run(self, target: contextlib.AbstractAsyncContextManager[Send]) -> None:
        """Sends all requests of the load to a target and waits until the last has ended."""
        async with target as send:
            cpu_start, self._start = time.thread_time(), time.perf_counter()
            bar = asyncio.create_task(self._show_progress())
            try:
                loop = self._open_loop if self._load.clients is None else self._closed_loop
                await loop(send)
            finally:
                bar.cancel()
            self.busy = min(1.0, (time.thread_time() - cpu_start) / max(self._now(), 1e-9))

    async def _closed_loop(self, send: Send) -> None:
        numbers = itertools.count()

        async def client() -> None:
            while not self._load.is_over(number := next(numbers), due := self._now()):
                await self._measure(send, number, due)

        await asyncio.gather(*(client() for _ in range(self._load.clients or 0)))

    async def _open_loop(self, send: Send) -> None:
        places = asyncio.Semaphore(_MAX_UNDER_WAY)
        async with asyncio.TaskGroup() as under_way:
            for number, due in enumerate(self._load.due_times()):
                if self._load.is_over(number, due):
                    return
                await self._sleep_until(due)
                await places.acquire()
                task = under_way.create_task(self._measure(send, number, due))
                task.add_done_callback(lambda _: places.release())

    async def _sleep_until(self, due: float) -> None:
        while (left := due - self._now()) > _SHORT_SLEEP_SECONDS:
            await asyncio.sleep(left - _SHORT_SLEEP_SECONDS)
        if left > 0:
            await asyncio.to_thread(time.sleep, left)
        else:
            await asyncio.sleep(0)  # lets requests under way go on

    async def _measure(self, send: Send, number: int, due: float) -> None:
        sent = self._now()
        status, detail = await send(number)
        self._finished += 1
        if self._load.is_measured(number, due):
            self.times.extend((due, sent, self._now()))
            self.statuses.append(status)
            if status != OK[0]:
                self.details.setdefault(status, detail)

    async def _show_progress(self) -> None:
        is_counted = self._load.requests is not None
        total, unit = int(self._load.total), "requests" if is_counted else "seconds"
        with progress("load", total, unit) as advance:
            shown = 0
            while True:
                await asyncio.sleep(1)
                done = self._finished if is_counted else int(self._now())
                advance(done - shown)
                shown = done

    def _now(self) -> float:
        return time.perf_counter() - self._start
