"""Progress of a pass, by the files that it leaves: the same for every runner."""

import contextlib
import sys
import threading
import time
from collections.abc import Callable, Iterator

from tagkeras.cli.errors import UserError
from tagkeras.cli.progress import progress

INTERVAL = 5.0


@contextlib.contextmanager
def report(
    description: str, count_posts: Callable[[], int], total: int | None = None
) -> Iterator[None]:
    """Shows posts and posts/s now and then while the block runs, and at its end.

    Args:
        description: what is going on, as in "describing images".
        count_posts: how many posts are done.
        total: how many there are, if known: on a terminal there is a bar then.
    """
    if total is not None and sys.stderr.isatty():
        with progress(description, total, "posts") as advance:
            counted = 0

            def update() -> None:
                nonlocal counted
                posts = count_posts()
                advance(posts - counted)
                counted = posts

            with _every(1.0, update):
                yield
            with contextlib.suppress(UserError, OSError):
                update()
        return
    started, shown = time.monotonic(), 0

    def show() -> None:
        nonlocal shown
        # Posts come in blocks: a line says something only if another one is done.
        if (posts := count_posts()) > shown:
            shown = posts
            rate = posts / max(time.monotonic() - started, 1e-9)
            line = f"{description}: {posts:,} posts, {rate:,.0f} posts/s"
            print(line, file=sys.stderr, flush=True)

    with _every(INTERVAL, show):
        yield
    with contextlib.suppress(UserError, OSError):
        show()


@contextlib.contextmanager
def _every(seconds: float, call: Callable[[], None]) -> Iterator[None]:
    """Calls a function now and then, from another thread, while the block runs.

    Counting may take long, of many files on a remote file system, and may fail there: it never
    takes more than a tenth of the time, and what it raises is no concern of the block.
    """
    done = threading.Event()

    def watch() -> None:
        pause = seconds
        while not done.wait(pause):
            started = time.monotonic()
            with contextlib.suppress(UserError, OSError):
                call()
            pause = max(seconds, 10 * (time.monotonic() - started))

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()
