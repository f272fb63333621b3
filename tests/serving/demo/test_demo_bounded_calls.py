"""How many calls run and wait at the same time."""

import asyncio
import threading

import pytest
from serving_helpers import WAIT

from serving.demo.bounded_calls import BoundedCalls, CrowdedError


class Doors:
    """A call that waits until it may go on, and counts."""

    def __init__(self):
        self.lock, self.may_end = threading.Lock(), threading.Event()
        self.running = self.most = self.ended = 0

    def call(self):
        with self.lock:
            self.running += 1
            self.most = max(self.most, self.running)
        assert self.may_end.wait(WAIT)
        with self.lock:
            self.running -= 1
            self.ended += 1
            return self.ended


async def until(condition):
    async with asyncio.timeout(WAIT):
        while not condition():
            await asyncio.sleep(0)


def test_a_few_run_some_wait_and_the_next_is_refused():
    async def run():
        calls, doors = BoundedCalls(3, 4), Doors()
        tasks = [asyncio.create_task(calls.run(doors.call)) for _ in range(7)]
        await until(lambda: doors.running == 3)
        with pytest.raises(CrowdedError):
            await calls.run(doors.call)
        doors.may_end.set()
        assert sorted(await asyncio.gather(*tasks)) == [1, 2, 3, 4, 5, 6, 7]
        assert (doors.most, doors.ended) == (3, 7)
        assert await calls.run(doors.call) == 8

    asyncio.run(run())


def test_calls_that_fail_or_are_given_up_leave_their_places():
    async def run():
        calls, doors = BoundedCalls(1, 1), Doors()
        first = asyncio.create_task(calls.run(doors.call))
        await until(lambda: doors.running == 1)
        for _ in range(3):
            second = asyncio.create_task(calls.run(doors.call))
            await asyncio.sleep(0)
            second.cancel()
            with pytest.raises(asyncio.CancelledError):
                await second
        doors.may_end.set()
        assert await first == 1
        for _ in range(3):
            with pytest.raises(ZeroDivisionError):
                await calls.run(lambda: 1 / 0)
        assert await asyncio.gather(*(calls.run(doors.call) for _ in range(2))) == [2, 3]

    asyncio.run(run())
