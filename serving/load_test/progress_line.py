"""How far a load test is: a line that changes on a terminal, a line now and then elsewhere."""

import contextlib
import sys
import time
from collections.abc import Callable, Iterator

from rich.console import Console

from serving.load_test.load import Load
from tagkeras.cli.progress import PLAIN_INTERVAL, format_rate


@contextlib.contextmanager
def progress_line(load: Load) -> Iterator[Callable[[int, int], None]]:
    """Yields a function to call with how many requests have ended, and how many of them failed."""
    started = shown = time.monotonic()

    def line(finished: int, failed: int) -> str:
        seconds = time.monotonic() - started
        if load.requests is None:
            of_all = f"{seconds:.0f} of {load.warmup + (load.duration or 0.0):g} s"
            amount = f"{of_all}, {finished:,} requests"
        else:
            amount = f"{finished:,} of {int(load.warmup) + load.requests:,} requests"
        return f"load: {amount}, {format_rate(finished / max(seconds, 1e-9))}/s, {failed:,} failed"

    if sys.stderr.isatty():
        with Console(stderr=True).status("load: connected") as status:
            yield lambda finished, failed: status.update(line(finished, failed))
        return

    def show(finished: int, failed: int) -> None:
        nonlocal shown
        if time.monotonic() - shown >= PLAIN_INTERVAL:
            shown = time.monotonic()
            print(line(finished, failed), file=sys.stderr, flush=True)

    yield show
