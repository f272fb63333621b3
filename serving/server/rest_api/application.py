"""The WSGI application: the REST API and the page of metrics."""

import dataclasses
import http
import logging
import re
import zlib
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

import grpc
from google.protobuf import json_format
from google.protobuf.message import Message
from tensorflow_serving.apis import (
    classification_pb2,
    get_model_metadata_pb2,
    model_pb2,
    regression_pb2,
)

from serving.server.errors import ServingError, failed_precondition, invalid_argument
from serving.server.inference.examples import classify, regress
from serving.server.inference.predict import run_signature, signature_name
from serving.server.metrics import Metrics
from serving.server.models.model_manager import ModelManager
from serving.server.rest_api import json_requests, json_responses
from serving.server.rest_api.routes import METADATA, STATUS, Route, is_api, parse_route

_log = logging.getLogger(__name__)

Environment = dict[str, Any]
StartResponse = Callable[[str, list[tuple[str, str]]], object]

# By route: the message that holds the examples, what answers it, and the answer's JSON.
_EXAMPLE_METHODS: dict[str, tuple[Any, Any, Callable[[Any], bytes]]] = {
    "classify": (
        classification_pb2.ClassificationRequest,
        classify,
        json_responses.classifications,
    ),
    "regress": (regression_pb2.RegressionRequest, regress, json_responses.regressions),
}
_METHODS = ("GET", "POST", "HEAD", "PUT", "DELETE", "OPTIONS", "PATCH")
_CLIENT_CLOSED_REQUEST = 499  # not a standard one
# 500 for those that HTTP cannot tell apart.
_STATUSES = {
    grpc.StatusCode.OK: 200,
    grpc.StatusCode.CANCELLED: _CLIENT_CLOSED_REQUEST,
    grpc.StatusCode.INVALID_ARGUMENT: 400,
    grpc.StatusCode.DEADLINE_EXCEEDED: 504,
    grpc.StatusCode.NOT_FOUND: 404,
    grpc.StatusCode.ALREADY_EXISTS: 409,
    grpc.StatusCode.PERMISSION_DENIED: 403,
    grpc.StatusCode.RESOURCE_EXHAUSTED: 429,
    grpc.StatusCode.FAILED_PRECONDITION: 400,
    grpc.StatusCode.ABORTED: 409,
    grpc.StatusCode.OUT_OF_RANGE: 400,
    grpc.StatusCode.UNIMPLEMENTED: 501,
    grpc.StatusCode.UNAVAILABLE: 503,
    grpc.StatusCode.UNAUTHENTICATED: 401,
}
_CORS_HEADERS = (
    ("Access-Control-Allow-Origin", "*"),
    ("Access-Control-Allow-Methods", "POST, GET"),
    ("Access-Control-Allow-Headers", "Content-Type"),
)
# A few kilobytes of gzip can hold gigabytes, and JSON takes several times its size to read.
_MAX_UNCOMPRESSED_BYTES = 10 * 2**20  # as the original
_SCHEME_AND_HOST = re.compile("^[a-z]+://[^/?#]*", re.IGNORECASE)
_GZIP_WINDOW = 31  # for zlib: gzip with the largest window


class Response(NamedTuple):
    """An HTTP response."""

    status: int
    body: bytes = b""
    content_type: str | None = None


@dataclasses.dataclass(frozen=True)
class RestApplication:
    """Answers HTTP requests with the versions that a manager holds. Thread-safe.

    `timeout`, `cors` and `monitoring_path` are those of `ModelServer`; None for no timeout.
    """

    manager: ModelManager
    metrics: Metrics
    _: dataclasses.KW_ONLY
    timeout: float | None = None
    cors: bool = False
    monitoring_path: str | None = None

    def __call__(self, environ: Environment, start_response: StartResponse) -> Iterable[bytes]:
        """Answers a request, as WSGI has it."""
        method = environ["REQUEST_METHOD"]
        uri = _relative(environ["REQUEST_URI"])
        headers: list[tuple[str, str]] = []
        if method not in _METHODS:
            response = _plain_response(501)
        elif uri.partition("?")[0] == self.monitoring_path:
            response = Response(200, self.metrics.exposition(), "text/plain")
        elif is_api(uri):
            response = self._api_response(method, uri, environ)
            headers += _CORS_HEADERS if self.cors else ()
        else:
            response = _plain_response(404)
        if response.content_type:
            headers.append(("Content-Type", response.content_type))
        headers.append(("Content-Length", str(len(response.body))))
        start_response(f"{response.status} {_reason(response.status)}", headers)
        return [b"" if method == "HEAD" else response.body]

    def _api_response(self, method: str, uri: str, environ: Environment) -> Response:
        if self.cors and method == "OPTIONS":
            return _preflight(environ.get("HTTP_ORIGIN", ""))
        try:
            route = parse_route(method, uri)
            with self.metrics.request(route.spec.name, route.action, "REST"):
                body = self._answer(route, _body(environ))
        except ServingError as error:
            return _error_response(error)
        except Exception as failure:  # of any kind: the server must survive it
            _log.exception("a REST request failed")
            message = f"{type(failure).__name__}: {failure}"
            return _error_response(ServingError(grpc.StatusCode.UNKNOWN, message))
        return Response(200, body, "application/json")

    def _answer(self, route: Route, body: bytes) -> bytes:
        """The JSON document that answers a request; the body of others than POST is ignored."""
        if route.action == STATUS:
            return json_responses.encode(_as_dict(self.manager.status(route.spec)))
        if route.action == METADATA:
            return self._metadata(route.spec)
        document = json_requests.parse(body)
        route.spec.signature_name = json_requests.signature_name(document)
        if route.action == "predict":
            return self._predict(route.spec, document)
        request_type, infer, write = _EXAMPLE_METHODS[route.action]
        request = request_type(model_spec=route.spec)
        json_requests.fill_examples(document, request.input)
        with self.manager.serving(route.spec) as servable:
            return write(infer(servable, request, self.timeout).result)

    def _predict(self, spec: model_pb2.ModelSpec, document: Mapping[str, Any]) -> bytes:
        name = signature_name(spec)
        with self.manager.serving(spec) as servable:
            if name not in servable.signatures:
                raise invalid_argument(
                    f'Serving signature name: "{name}" not found in signature def'
                )
            signature = servable.signatures[name]
            inputs, form = json_requests.decode_predict(document, signature.inputs)
            outputs = run_signature(servable, signature, inputs, timeout=self.timeout)
        return json_responses.predictions(outputs, form)

    def _metadata(self, spec: model_pb2.ModelSpec) -> bytes:
        with self.manager.serving(spec) as servable:
            signatures = _as_dict(
                get_model_metadata_pb2.SignatureDefMap(signature_def=servable.signatures)
            )
            version = str(servable.version)
        return json_responses.encode(
            {
                "model_spec": {"name": spec.name, "signature_name": "", "version": version},
                "metadata": {"signature_def": signatures},
            }
        )


def _as_dict(message: Message) -> dict[str, Any]:
    return json_format.MessageToDict(
        message, preserving_proto_field_name=True, always_print_fields_with_no_presence=True
    )


def _plain_response(status: int) -> Response:
    return Response(status, _reason(status).encode(), "text/plain")


def _error_response(error: ServingError) -> Response:
    status = _STATUSES.get(error.code, 500)
    return Response(status, json_responses.error(error.message), "application/json")


def _body(environ: Environment) -> bytes:
    """The body of a request; empty if it should be gzip and is not."""
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
    """Answers what a browser asks before it sends a request of a page from another origin."""
    if re.search("https?://", origin):
        return Response(200)
    return _error_response(failed_precondition("Origin header is missing in CORS preflight"))


def _relative(uri: str) -> str:
    """A request's URI without scheme and host, which a request to a proxy has."""
    # WSGI hands bytes over as Latin-1.
    uri = uri.encode("latin-1").decode("utf-8", "surrogateescape")
    return _SCHEME_AND_HOST.sub("", uri) or "/"


def _reason(status: int) -> str:
    """The words that follow a status, such as `Not Found`."""
    if status == _CLIENT_CLOSED_REQUEST:
        return "Client Closed Request"
    return http.HTTPStatus(status).phrase
