"""What is kept of every request."""

import array
import collections
from typing import Any

import numpy as np
import numpy.typing as npt

from serving.load_test.target import DEADLINE_EXCEEDED, OK, Outcome

Times = npt.NDArray[np.float64]


class Samples:
    """Times and statuses of the requests that are measured; 32 bytes for each.

    Attributes:
        finished: requests that ended, those of the warm-up included.
        failures: how many measured requests ended with each status but `OK`.
        details: what the server said to the first request that ended with each of them.
    """

    def __init__(self) -> None:
        self.finished = 0
        self.failures: collections.Counter[str] = collections.Counter()
        self.details: dict[str, str] = {}
        self._due = array.array("d")
        self._sent = array.array("d")
        self._done = array.array("d")
        self._waited = array.array("b")
        self._succeeded = array.array("b")

    def add(self, due: float, sent: float, done: float, outcome: Outcome) -> None:
        """Adds a request.

        Args:
            due: when it was to be sent, in seconds of the clock that all three are of.
            sent: when it was.
            done: when it was answered, or given up.
            outcome: how it ended.
        """
        self._due.append(due)
        self._sent.append(sent)
        self._done.append(done)
        succeeded = outcome.status == OK.status
        self._succeeded.append(succeeded)
        self._waited.append(succeeded or outcome.status == DEADLINE_EXCEEDED)
        if not succeeded:
            self.failures[outcome.status] += 1
            self.details.setdefault(outcome.status, outcome.detail)

    def __len__(self) -> int:
        return len(self._due)

    @property
    def num_succeeded(self) -> int:
        """Requests that were answered as they should be."""
        return len(self) - self.failures.total()

    @property
    def due(self) -> Times:
        """When each was to be sent."""
        return np.array(self._due)

    @property
    def sent(self) -> Times:
        """When each was sent."""
        return np.array(self._sent)

    @property
    def done(self) -> Times:
        """When each ended."""
        return np.array(self._done)

    @property
    def has_latency(self) -> npt.NDArray[Any]:
        """Which were answered, or waited for until their deadline.

        A request that is refused at once says nothing of how long answers take; one that took too
        long does, and without it the slowest would be missing.
        """
        return np.array(self._waited).astype(bool)
