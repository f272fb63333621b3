"""Progress of long work: a bar with rate and ETA on a terminal, plain lines elsewhere."""

import contextlib
import sys
import threading
import time
from collections.abc import Callable, Iterator

from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    TextColumn,
    TimeRemainingColumn,
)
from rich.progress import Task as RichTask
from rich.text import Text

from tagkeras.cli.errors import UserError

# Seconds between two plain lines, and between two looks at work that does not report itself.
PLAIN_INTERVAL = 10.0
POLL_INTERVAL = 1.0


@contextlib.contextmanager
def progress(description: str, total: int | None, unit: str) -> Iterator[Callable[[int], None]]:
    """Yields a function to call with how many more units are done, of `total` if that is known."""
    if sys.stderr.isatty():
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
        bar = Progress(*columns, _Rate(unit), TimeRemainingColumn())
        with bar:
            task = bar.add_task(description, total=total)
            yield lambda done: bar.advance(task, done)
        return
    lines = _PlainLines(description, total, unit)
    yield lines.advance
    lines.show()


@contextlib.contextmanager
def polled_progress(
    description: str, count: Callable[[], int], total: int | None, unit: str
) -> Iterator[None]:
    """Like `progress`, for work in other processes: `count` says how many units are done.

    Counting may be slow, as of files on a remote file system, and may fail there: it takes at most
    a tenth of the time, and its `UserError`s and `OSError`s are ignored.
    """
    finished, counted = threading.Event(), 0

    def update() -> None:
        nonlocal counted
        with contextlib.suppress(UserError, OSError):
            done = count()
            advance(done - counted)
            counted = done

    def watch() -> None:
        pause = POLL_INTERVAL
        while not finished.wait(pause):
            started = time.monotonic()
            update()
            pause = max(POLL_INTERVAL, 10 * (time.monotonic() - started))

    with progress(description, total, unit) as advance:
        thread = threading.Thread(target=watch, daemon=True)
        thread.start()
        try:
            yield
        finally:
            finished.set()
            thread.join()
        update()


def format_rate(rate: float) -> str:
    """A rate in whole units, a small one with a decimal."""
    return f"{rate:,.0f}" if rate >= 10 else f"{rate:.1f}"


class _Rate(ProgressColumn):
    def __init__(self, unit: str) -> None:
        super().__init__()
        self._unit = unit

    def render(self, task: RichTask) -> Text:
        speed = task.finished_speed or task.speed
        return Text("" if speed is None else f"{format_rate(speed)} {self._unit}/s")


class _PlainLines:
    def __init__(self, description: str, total: int | None, unit: str) -> None:
        self._description, self._total, self._unit = description, total, unit
        self._done = self._done_shown = 0
        self._started = self._shown = time.monotonic()

    def advance(self, done: int) -> None:
        self._done += done
        if self._done and time.monotonic() - self._shown >= PLAIN_INTERVAL:
            self.show()

    def show(self) -> None:
        if self._total == 0 or (self._done == self._done_shown and self._shown > self._started):
            return  # nothing to do, or nothing new
        self._shown, self._done_shown = time.monotonic(), self._done
        rate = self._done / max(self._shown - self._started, 1e-9)
        of_total = "" if self._total is None else f" of {self._total:,}"
        print(
            f"{self._description}: {self._done:,}{of_total} {self._unit},"
            f" {format_rate(rate)} {self._unit}/s",
            file=sys.stderr,
            flush=True,
        )
