"""The page's own web server."""

import socket
import threading
from typing import TYPE_CHECKING

import uvicorn

from tagkeras.cli.errors import UserError

if TYPE_CHECKING:
    from starlette.applications import Starlette

# Far more than may ask the model or wait for it; further ones are answered 503.
_MAX_CONNECTIONS = 512
# Browsers keep connections open; at the end, they and questions under way get this long.
_GRACE_SECONDS = 1


def listen(host: str, port: int) -> socket.socket:
    """A socket that listens at a port, 0 for any free one; `UserError` if that fails."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen()
    except OSError as error:
        listener.close()
        problem = error.strerror or str(error)
        raise UserError(f"cannot listen at {host}:{port}: {problem}; try another --port") from error
    return listener


def serve(application: "Starlette", listener: socket.socket, stopping: threading.Event) -> None:
    """Serves an ASGI application to a listener's connections until `stopping` is set."""
    server = uvicorn.Server(
        uvicorn.Config(
            application,
            log_config=None,  # leaves the handlers of other libraries open
            log_level="critical",
            access_log=False,
            server_header=False,
            limit_concurrency=_MAX_CONNECTIONS,
            timeout_graceful_shutdown=_GRACE_SECONDS,
        )
    )

    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, name="web server")
    thread.start()
    stopping.wait()
    server.should_exit = True
    thread.join()
