"""A client of the REST API that hides nothing, and a manager that waits to be told."""

import contextlib
import dataclasses
import json
import re
import socket
import threading
from typing import Any

import urllib3
from tensorflow_serving.apis import get_model_status_pb2, model_pb2

from serving.server.metrics import Metrics
from serving.server.rest_api.application import RestApplication
from serving.server.rest_api.rest_server import RestServer

WAIT = 30.0


class Client:
    """Sends requests to one server over kept-alive connections."""

    def __init__(self, port: int) -> None:
        self.port = port
        self._pool = urllib3.HTTPConnectionPool(
            "localhost", port, maxsize=4, retries=False, timeout=WAIT
        )

    def ask(self, method: str, path: str, body: Any = None, **headers: str):
        """The response to a request; a body that is no bytes or str is sent as JSON."""
        if body is not None and not isinstance(body, bytes | str):
            body = json.dumps(body)
        return self._pool.request(
            method, path, body, headers={name.replace("_", "-"): v for name, v in headers.items()}
        )

    def post(self, path: str, body: Any) -> Any:
        """The document that answers a POST, which must succeed."""
        response = self.ask("POST", path, body)
        assert response.status == 200, response.data
        assert response.headers["Content-Type"] == "application/json"
        return response.json()

    def error(self, method: str, path: str, body: Any = None) -> tuple[int, str]:
        """The status and message of a request that must fail."""
        response = self.ask(method, path, body)
        document = response.json()
        assert list(document) == ["error"]
        assert response.headers["Content-Type"] == "application/json"
        return response.status, document["error"]

    def close(self) -> None:
        self._pool.close()


class RawConnection:
    """A socket to a server, for requests that no library would send."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("localhost", port), timeout=WAIT)
        self._received = b""

    def __enter__(self) -> "RawConnection":
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()

    def send(self, data: bytes) -> None:
        self.socket.sendall(data)

    def head(self) -> str:
        """Status line and headers of the next response."""
        return self._read_until(b"\r\n\r\n").decode("latin-1")

    def response(self) -> tuple[int, bytes]:
        """Status and body of the next response."""
        head = self.head()
        length = next(
            int(line.split(":")[1])
            for line in head.split("\r\n")
            if line.lower().startswith("content-length:")
        )
        while len(self._received) < length:
            self._receive()
        body, self._received = self._received[:length], self._received[length:]
        return int(head.split()[1]), body

    def finish(self) -> None:
        """Tells the server that nothing more is sent."""
        self.socket.shutdown(socket.SHUT_WR)

    def statuses(self) -> list[int]:
        """Those of all responses until the server closes the connection."""
        with contextlib.suppress(ConnectionResetError):
            while data := self.socket.recv(65536):
                self._received += data
        return [int(code) for code in re.findall(rb"HTTP/1\.[01] (\d+) ", self._received)]

    def is_closed(self) -> bool:
        """Waits for the server to close the connection; false if it sends something instead."""
        try:
            return not self._received and self.socket.recv(1) == b""
        except ConnectionResetError:
            return True

    def _read_until(self, mark: bytes) -> bytes:
        while mark not in self._received:
            self._receive()
        head, self._received = self._received.split(mark, 1)
        return head

    def _receive(self) -> None:
        data = self.socket.recv(65536)
        assert data, f"the server closed the connection after {self._received!r}"
        self._received += data


@dataclasses.dataclass
class WaitingManager:
    """Stands in for a ModelManager: answers `wait` once released, other models at once."""

    asked: threading.Event = dataclasses.field(default_factory=threading.Event)
    release: threading.Event = dataclasses.field(default_factory=threading.Event)

    def status(self, spec: model_pb2.ModelSpec) -> get_model_status_pb2.GetModelStatusResponse:
        if spec.name == "wait":
            self.asked.set()
            assert self.release.wait(WAIT)
        if spec.name == "broken":
            raise RuntimeError("out of order")
        return get_model_status_pb2.GetModelStatusResponse(model_version_status=[{"version": 7}])


@contextlib.contextmanager
def serving(manager: Any, port: int = 0, num_threads: int = 4, **options: Any):
    """A server of the REST API of a manager's models."""
    application = RestApplication(manager, Metrics(), **options)
    server = RestServer(application, port=port, num_threads=num_threads)
    server.listen()
    server.start()
    try:
        yield server
    finally:
        server.stop(grace=WAIT)


@contextlib.contextmanager
def asking(manager: Any, **options: Any):
    """A client of such a server."""
    with serving(manager, **options) as server, contextlib.closing(Client(server.port)) as client:
        yield client


def request(method: str, path: str, body: bytes = b"", *headers: str) -> bytes:
    """The bytes of an HTTP/1.1 request."""
    lines = [f"{method} {path} HTTP/1.1", "Host: localhost", f"Content-Length: {len(body)}"]
    return "\r\n".join([*lines, *headers, "", ""]).encode() + body
