"""The WSGI application: HTTP around the REST API and the metrics."""

import dataclasses
import logging
import re
import time
import zlib
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

import grpc

from serving.server.errors import ServingError, failed_precondition, invalid_argument
from serving.server.rest_api import json_encoding
from serving.server.rest_api.http_status import http_status, reason
from serving.server.rest_api.rest_handler import RestHandler
from serving.server.rest_api.routes import is_api, parse_route

if TYPE_CHECKING:
    from serving.server.monitoring.metrics import Metrics

_log = logging.getLogger(__name__)

Environment = dict[str, Any]
StartResponse = Callable[[str, list[tuple[str, str]]], object]

_METHODS = ("GET", "POST", "HEAD", "PUT", "DELETE", "OPTIONS", "PATCH")
_CORS_HEADERS = (
    ("Access-Control-Allow-Origin", "*"),
    ("Access-Control-Allow-Methods", "POST, GET"),
    ("Access-Control-Allow-Headers", "Content-Type"),
)
# A few kilobytes of gzip can hold gigabytes, and JSON takes several times its size to read.
_MAX_UNCOMPRESSED_BYTES = 10 * 2**20  # as the original
_SCHEME_AND_HOST = re.compile("^[a-z]+://[^/?#]*", re.IGNORECASE)
_GZIP_WINDOW = 31  # for zlib: gzip with the largest window


@dataclasses.dataclass(frozen=True)
class Response:
    """An HTTP response."""

    status: int
    content_type: str | None
    body: bytes


class RestApplication:
    """Answers HTTP requests. Thread-safe.

    Args:
        handler: answers those that the REST API knows.
        metrics: counts them; None for no counting.
        cors: let web pages of any origin ask.
        monitoring_path: where the metrics are shown; None for nowhere.
    """

    def __init__(
        self,
        handler: RestHandler,
        *,
        metrics: "Metrics | None" = None,
        cors: bool = False,
        monitoring_path: str | None = None,
    ) -> None:
        self._handler = handler
        self._metrics = metrics
        self._cors = cors
        self._monitoring_path = monitoring_path

    def __call__(self, environ: Environment, start_response: StartResponse) -> Iterable[bytes]:
        """Answers a request, as WSGI has it."""
        method = environ["REQUEST_METHOD"]
        uri = _relative(environ["REQUEST_URI"])
        headers: list[tuple[str, str]] = []
        if method not in _METHODS:
            response = _page(501)
        elif self._metrics and re.split("[?#]", uri, maxsplit=1)[0] == self._monitoring_path:
            response = self._monitor(uri, self._metrics)
        elif is_api(uri):
            response = self._answer(method, uri, environ)
            headers += _CORS_HEADERS if self._cors else ()
        else:
            response = _page(404)
        if response.content_type:
            headers.append(("Content-Type", response.content_type))
        headers.append(("Content-Length", str(len(response.body))))
        start_response(f"{response.status} {reason(response.status)}", headers)
        return [b"" if method == "HEAD" else response.body]

    def _answer(self, method: str, uri: str, environ: Environment) -> Response:
        if self._cors and method == "OPTIONS":
            return _preflight(environ.get("HTTP_ORIGIN", ""))
        start = time.monotonic()
        model, action, code = "", "", grpc.StatusCode.OK
        try:
            route = parse_route(method, uri)
            model, action = route.spec.name, route.action
            body = self._handler.answer(route, _body(environ))
        except Exception as failure:  # whatever it is, the server goes on
            error = _serving_error(failure)
            code = error.code
            body = json_encoding.error(error.message)
        if self._metrics:
            self._metrics.record_request(
                model=model,
                api=action,
                entrypoint="REST",
                seconds=time.monotonic() - start,
                status=code.name,
            )
        return Response(http_status(code), "application/json", body)

    def _monitor(self, uri: str, metrics: "Metrics") -> Response:
        if uri != self._monitoring_path:
            text = f"Unexpected path: {uri}. Should be {self._monitoring_path}"
            return Response(400, "text/plain", text.encode())
        return Response(200, "text/plain", metrics.exposition())


def _serving_error(failure: Exception) -> ServingError:
    if isinstance(failure, ServingError):
        return failure
    _log.error("a REST request failed", exc_info=failure)
    return ServingError(grpc.StatusCode.UNKNOWN, f"{type(failure).__name__}: {failure}")


def _body(environ: Environment) -> bytes:
    body: bytes = environ["wsgi.input"].read()
    if not body or "gzip" not in environ.get("HTTP_CONTENT_ENCODING", ""):
        return body
    inflater = zlib.decompressobj(wbits=_GZIP_WINDOW)
    try:
        text = inflater.decompress(body, _MAX_UNCOMPRESSED_BYTES)
    except zlib.error:
        return b""
    if inflater.unconsumed_tail:
        raise invalid_argument(
            f"The uncompressed body has more than {_MAX_UNCOMPRESSED_BYTES} bytes; send it "
            "without compression"
        )
    return text if inflater.eof and not inflater.unused_data else b""


def _preflight(origin: str) -> Response:
    """What a browser is told before it sends the request of a page from elsewhere."""
    if re.search("https?://", origin):
        return Response(200, None, b"")
    error = failed_precondition("Origin header is missing in CORS preflight")
    return Response(http_status(error.code), None, b"")


def _relative(uri: str) -> str:
    """A request's URI without scheme and host, which a request to a proxy has."""
    # WSGI hands bytes over as Latin-1.
    uri = uri.encode("latin-1").decode("utf-8", "surrogateescape")
    return _SCHEME_AND_HOST.sub("", uri) or "/"


def _page(status: int) -> Response:
    """What is answered outside the API."""
    words = reason(status)
    text = (
        f"<HTML><HEAD>\n<TITLE>{status} {words}</TITLE>\n</HEAD><BODY>\n<H1>{words}</H1>\n"
        "</BODY></HTML>\n"
    )
    return Response(status, "text/html", text.encode())
