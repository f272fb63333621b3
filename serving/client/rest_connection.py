"""The connections of the REST client: requests with deadlines, repeated while nobody answers."""

import http.client
import json
import time
import urllib.parse
from typing import Any

import urllib3

from serving.client import rest_wire, retries
from serving.client.answers import RequestError, StatusCode
from serving.client.served_model import ServedModel
from serving.client.tls import Tls
from tagkeras.cli.errors import UserError

_CONNECTIONS = 64  # kept for later requests; more may be open


class RestConnection:
    """Sends requests about a model and takes the JSON documents that answer them. Thread-safe.

    Args:
        served: the model; its `server` is `host:port`, `http://host:port` or `https://host:port`.

    Raises:
        UserError: the address is none, or the TLS files do not fit it or each other.
    """

    def __init__(self, served: ServedModel) -> None:
        self._served = served
        self._url = _base_url(served.server, served.tls)
        options: dict[str, Any] = {"retries": False, "maxsize": _CONNECTIONS}
        if self._url.startswith("https:"):
            options["ssl_context"] = (served.tls or Tls()).ssl_context()
        self._pool = urllib3.PoolManager(**options)

    def request(self, method: str, path: str, deadline: float, body: bytes | None = None) -> Any:
        """The document that answers a request, sent again while the server is unavailable.

        Args:
            method: such as `GET`.
            path: what follows the server's address in the URL.
            deadline: of all attempts, in seconds of `time.monotonic`.
            body: a JSON document.

        Raises:
            RequestError: the request failed.
        """
        for failures in range(1, self._served.attempts + 1):
            try:
                return self._try(method, path, deadline, body)
            except RequestError as error:
                if error.code is not StatusCode.UNAVAILABLE or _is_final(error):
                    raise
                unavailable = error
            pause = retries.pause(failures)
            if failures == self._served.attempts or time.monotonic() + pause >= deadline:
                break
            time.sleep(pause)
        raise unavailable

    def close(self) -> None:
        """Closes the connections."""
        self._pool.clear()

    def not_the_api(self, found: str) -> RequestError:
        """The error of a server that answers, but not as this API does."""
        message = (
            f"{self._served.server} has answered with status {found}: it is no REST API of a model "
            "server; check host and port"
        )
        return RequestError(message, StatusCode.INTERNAL, found)

    def _try(self, method: str, path: str, deadline: float, body: bytes | None) -> Any:
        explained = self._served.explained
        try:
            response = self._pool.request(
                method,
                self._url + path,
                body=body,
                headers={"Content-Type": "application/json"},
                timeout=urllib3.Timeout(total=_left(deadline)),
                preload_content=False,
            )
            text = _read(response, deadline)
        except urllib3.exceptions.NewConnectionError as error:  # which urllib3 counts as a timeout
            raise explained(StatusCode.UNAVAILABLE, _reason(error)) from error
        except (urllib3.exceptions.TimeoutError, TimeoutError) as error:
            raise explained(StatusCode.DEADLINE_EXCEEDED, "") from error
        except (urllib3.exceptions.HTTPError, OSError) as error:
            if _is_no_http(error):
                raise self._not_http() from error
            raise explained(StatusCode.UNAVAILABLE, _reason(error)) from error
        if response.status != 200:
            raise self._failed(response.status, text)
        try:
            return json.loads(text)
        except ValueError as error:
            raise self.not_the_api("200, not in JSON") from error

    def _not_http(self) -> RequestError:
        message = f"{self._served.server} is no HTTP server; is it the port of the gRPC API?"
        return RequestError(message, StatusCode.INTERNAL, "no HTTP")

    def _failed(self, status: int, text: bytes) -> RequestError:
        message = rest_wire.error_message(text)
        if message is None and status == 404:
            return self.not_the_api("404")
        return self._served.explained(
            rest_wire.status_code(status), message or f"HTTP status {status}"
        )


def _base_url(server: str, tls: Tls | None) -> str:
    url = server if "://" in server else f"{'http' if tls is None else 'https'}://{server}"
    if not _is_http(url):
        raise UserError(f"{server!r} is no address of a REST API; give http://host:port")
    if tls is not None and url.startswith("http:"):
        raise UserError(f"{server} is not encrypted, but TLS is asked for; write https://")
    return url.rstrip("/")


def _is_http(url: str) -> bool:
    try:
        parts = urllib.parse.urlsplit(url)
        port = parts.port  # raises ValueError for one that is no number
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.hostname) and port != 0


def _left(deadline: float) -> float:
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError("the time is over")
    return left


def _read(response: urllib3.BaseHTTPResponse, deadline: float) -> bytes:
    """The whole body; a server that sends it drop by drop does not stretch the timeout."""
    pieces = []
    try:
        while piece := response.read1():
            pieces.append(piece)
            _left(deadline)
    except BaseException:
        response.close()  # what is left of the body must not be taken for the next answer
        raise
    response.release_conn()
    return b"".join(pieces)


def _is_final(error: RequestError) -> bool:
    """Whether asking again is in vain: a certificate does not become valid."""
    return isinstance(error.__cause__, urllib3.exceptions.SSLError)


def _is_no_http(error: Exception) -> bool:
    """Whether the answer is something else than HTTP, and not nothing at all."""
    reasons = [error, *error.args]
    return any(
        isinstance(reason, http.client.BadStatusLine)
        and not isinstance(reason, http.client.RemoteDisconnected)
        for reason in reasons
    )


def _reason(error: Exception) -> str:
    """An exception without the name of the connection object, which urllib3 puts first."""
    return str(error.__cause__ or error)
