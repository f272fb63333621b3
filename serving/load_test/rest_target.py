"""Requests to the REST API's `:predict`, over connections that are kept."""

import asyncio
import json
import urllib.parse
from collections.abc import Sequence
from typing import Any

import numpy.typing as npt

from serving.client import rest_wire
from serving.client.tls import Tls
from serving.load_test.http_connection import ConnectionClosedError, HttpConnection
from serving.load_test.target import (
    DEADLINE_EXCEEDED,
    OK,
    UNAVAILABLE,
    Endpoint,
    Inputs,
    Outcome,
    Shape,
    missing_signature,
)
from tagkeras.cli.errors import UserError

# Inputs whose strings are bytes; those of other inputs are text.
_BINARY = {"image"}


class RestTarget:
    """A model behind a REST API.

    Every request under way has a connection; those that are done keep theirs for the next.

    Args:
        endpoint: what is asked.

    Raises:
        UserError: the server's address is none, or a TLS file cannot be read.
    """

    def __init__(self, endpoint: Endpoint) -> None:
        self._endpoint = endpoint
        url = urllib.parse.urlsplit(endpoint.server)
        try:
            self._port = url.port or {"http": 80, "https": 443}[url.scheme]
            self._host = url.hostname or ""
        except (KeyError, ValueError):
            self._host = ""
        if not self._host:
            raise UserError(
                f"--server={endpoint.server} is no address: give host:port for gRPC, "
                "http://host:port or https://host:port for REST"
            )
        self._context = (endpoint.tls or Tls()).ssl_context() if url.scheme == "https" else None
        if endpoint.tls is not None and self._context is None:
            raise UserError("the --tls flags go with https://host:port, not with http://")
        path = rest_wire.model_path(endpoint.model, endpoint.version, endpoint.version_label)
        self._path = f"{url.path.rstrip('/')}{path}"
        self._authority = url.netloc
        self._messages: list[bytes] = []
        self._idle: list[HttpConnection] = []

    async def input_shapes(self) -> dict[str, Shape]:
        """See `Target`."""
        endpoint = self._endpoint
        head = f"GET {self._path}/metadata HTTP/1.1\r\nHost: {self._authority}\r\n\r\n"
        try:
            async with asyncio.timeout(endpoint.timeout):
                status, body = await self._exchange(head.encode())
        except OSError as error:  # TimeoutError is one
            raise UserError(
                f"no REST server answers at {endpoint.server}; is it running, and are --server "
                f"and the --tls_ flags right? ({error or 'it was silent'})"
            ) from error
        if status != 200:
            raise UserError(
                f"{endpoint.server} does not describe model {endpoint.model!r}: "
                f"HTTP {status}: {_message(body)}"
            )
        try:
            signatures = json.loads(body)["metadata"]["signature_def"]["signature_def"]
            if endpoint.signature not in signatures:
                raise missing_signature(endpoint, signatures)
            return {
                name: tuple(int(dim["size"]) for dim in info["tensor_shape"].get("dim", ()))
                for name, info in signatures[endpoint.signature]["inputs"].items()
            }
        except (ValueError, KeyError, TypeError) as error:
            raise UserError(
                f"{endpoint.server} does not answer as a REST API of TensorFlow Serving does"
            ) from error

    def prepare(self, requests: Sequence[Inputs]) -> None:
        """See `Target`."""
        for inputs in requests:
            values = {name: _json_values(name, value) for name, value in inputs.items()}
            document = {"signature_name": self._endpoint.signature, "inputs": values}
            body = json.dumps(document).encode()
            head = (
                f"POST {self._path}:predict HTTP/1.1\r\nHost: {self._authority}\r\n"
                f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
            )
            self._messages.append(head.encode() + body)

    async def send(self, number: int) -> Outcome:
        """See `Target`."""
        try:
            async with asyncio.timeout(self._endpoint.timeout):
                message = self._messages[number % len(self._messages)]
                status, body = await self._exchange(message)
        except TimeoutError:
            seconds = self._endpoint.timeout
            return Outcome(DEADLINE_EXCEEDED, f"no answer within {seconds:g} s")
        except OSError as error:
            return Outcome(UNAVAILABLE, str(error))
        return OK if status == 200 else Outcome(f"HTTP {status}", _message(body))

    async def close(self) -> None:
        """See `Target`."""
        for connection in self._idle:
            connection.close()

    async def _exchange(self, message: bytes) -> tuple[int, bytes]:
        if self._idle:
            try:
                return await self._exchange_by(self._idle.pop(), message)
            except ConnectionClosedError:
                pass  # a server may close at any time what has been idle: nothing was asked
        connection = await HttpConnection.open(self._host, self._port, self._context)
        return await self._exchange_by(connection, message)

    async def _exchange_by(self, connection: HttpConnection, message: bytes) -> tuple[int, bytes]:
        try:
            answer = await connection.exchange(message)
        except BaseException:
            connection.close()
            raise
        if connection.is_open:
            self._idle.append(connection)
        return answer


def _json_values(name: str, value: npt.NDArray[Any]) -> list[Any]:
    if value.dtype == object and name not in _BINARY:
        return [item.decode() for item in value]
    return rest_wire.json_values(value.tolist())


def _message(body: bytes) -> str:
    text = rest_wire.error_message(body)
    if text is None:
        text = body.decode(errors="replace")
    return text.strip().split("\n")[0]
