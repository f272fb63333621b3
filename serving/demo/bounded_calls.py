"""Calls that block, in threads: a few at a time, and a bounded number that waits."""

from collections.abc import Callable
from typing import TypeVar

import anyio
import anyio.to_thread

ResultT = TypeVar("ResultT")


class CrowdedError(Exception):
    """Too many calls wait already."""


class BoundedCalls:
    """Runs calls in threads, which leaves those of others free however long they take.

    For one event loop.

    Args:
        parallel: calls that run at the same time.
        waiting: calls that wait until one of them has ended.
    """

    def __init__(self, parallel: int, waiting: int) -> None:
        self._limiter = anyio.CapacityLimiter(parallel)
        self._most = parallel + waiting
        self._calls = 0

    async def run(self, call: Callable[[], ResultT]) -> ResultT:
        """Calls, in its turn.

        Raises:
            CrowdedError: as many wait as may.
        """
        if self._calls >= self._most:
            raise CrowdedError
        self._calls += 1
        try:
            return await anyio.to_thread.run_sync(call, limiter=self._limiter)
        finally:
            self._calls -= 1
