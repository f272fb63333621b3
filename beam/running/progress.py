"""Progress of a pass, by the files that it leaves: the same for every runner."""

import contextlib
import threading
import time
from collections.abc import Callable, Iterator

from tagkeras.cli.errors import UserError
from tagkeras.cli.progress import progress

_INTERVAL = 1.0


@contextlib.contextmanager
def show_progress(
    description: str, count_posts: Callable[[], int], total: int | None = None
) -> Iterator[None]:
    """Shows posts and posts/s now and then while the block runs, and at its end.

    Counting may take long, of many files on a remote file system, and may fail there: it never
    takes more than a tenth of the time, and what it raises is no concern of the block.

    Args:
        description: what is going on, as in "describing images".
        count_posts: how many posts are done.
        total: how many there are, if known.
    """
    done, counted = threading.Event(), 0

    def update() -> None:
        nonlocal counted
        with contextlib.suppress(UserError, OSError):
            posts = count_posts()
            advance(posts - counted)
            counted = posts

    def watch() -> None:
        pause = _INTERVAL
        while not done.wait(pause):
            started = time.monotonic()
            update()
            pause = max(_INTERVAL, 10 * (time.monotonic() - started))

    with progress(description, total, "posts") as advance:
        thread = threading.Thread(target=watch, daemon=True)
        thread.start()
        try:
            yield
        finally:
            done.set()
            thread.join()
        update()
