"""The time that a side of a comparison takes, laps added up."""

import time
from types import TracebackType


class Stopwatch:
    """Adds up the laps `with stopwatch: ...`.

    Attributes:
        seconds: by the clock.
        cpu_seconds: of all threads of this process: what other work on the machine cannot stretch.
    """

    def __init__(self) -> None:
        self.seconds = 0.0
        self.cpu_seconds = 0.0

    def __enter__(self) -> None:
        self._start = (time.perf_counter(), time.process_time())

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.seconds += time.perf_counter() - self._start[0]
        self.cpu_seconds += time.process_time() - self._start[1]
