"""The page's own web server: on a socket that is ours before anything is said to be ready."""

import contextlib
import socket
import threading
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import uvicorn

from tagkeras.cli.errors import UserError

if TYPE_CHECKING:
    from fastapi import FastAPI

# Browsers hold a connection open for as long as the page is; they are not waited for any longer.
_GRACE_SECONDS = 1


def listen(host: str, port: int) -> socket.socket:
    """A socket that listens at a port; 0 is any free one.

    Raises:
        UserError: it cannot be had.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen()
    except (OSError, OverflowError) as error:
        listener.close()
        problem = getattr(error, "strerror", None) or str(error)
        raise UserError(f"cannot listen at {host}:{port}: {problem}; try another --port") from error
    return listener


@contextlib.contextmanager
def serving(
    app: "FastAPI", listener: socket.socket, on_end: Callable[[], None] = lambda: None
) -> Iterator[None]:
    """Answers at a socket, in a thread of its own, until the block ends.

    Args:
        app: gives the answers.
        listener: the socket, closed in the end.
        on_end: called in the thread when it ends, before its time or not.

    Raises:
        UserError: at the start or the end of the block: the server has ended before.
    """
    server = uvicorn.Server(
        uvicorn.Config(
            app,
            log_level="critical",
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=_GRACE_SECONDS,
        )
    )
    ended = threading.Event()
    failures: list[BaseException] = []

    def serve() -> None:
        try:
            server.run(sockets=[listener])
        except BaseException as error:
            failures.append(error)
        finally:
            ended.set()
            on_end()

    def check() -> None:
        if ended.is_set():
            why = f" ({failures[0]!r})" if failures else ""
            raise UserError(f"the page's web server has ended by itself{why}; start it again")

    thread = threading.Thread(target=serve, name="web server")
    thread.start()
    try:
        while not server.started and not ended.wait(0.01):
            pass
        check()
        yield
        check()
    finally:
        server.should_exit = True
        thread.join()
        listener.close()
