"""Progress of a pass, by the files that it leaves: the same for every runner."""

import contextlib
import sys
import threading
import time
from collections.abc import Callable, Iterator

INTERVAL = 5.0


@contextlib.contextmanager
def report(description: str, count_posts: Callable[[], int]) -> Iterator[None]:
    """Prints a line with posts and posts/s now and then while the block runs, and at its end.

    Args:
        description: what is going on, as in "describing".
        count_posts: how many posts are done.
    """
    started, done = time.monotonic(), threading.Event()

    def show() -> None:
        posts = count_posts()
        rate = posts / max(time.monotonic() - started, 1e-9)
        print(f"{description}: {posts:,} posts, {rate:,.0f} posts/s", file=sys.stderr, flush=True)

    def watch() -> None:
        while not done.wait(INTERVAL):
            if count_posts():
                show()

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()
    show()
