"""The REST client of a served hashtag model: imports neither TensorFlow nor gRPC."""

import base64
import http.client
import json
import random
import re
import time
import urllib.parse
from collections.abc import Mapping
from typing import Any

import urllib3

from serving.client import base
from serving.client.answers import RequestError, StatusCode
from serving.client.base import BlockingClient, ModelClient
from serving.client.questions import CONTENT, Answered, AnswerT, Column, Input, Question, Signatures
from serving.client.tls import Tls
from tagkeras.cli.errors import UserError

_CONNECTIONS = 64  # kept for later requests; more may be open
_JITTER = 0.2  # clients that failed together do not come back together; gRPC's own share
# HTTP statuses with a code of their own; others from 400 to 499 are INVALID_ARGUMENT.
_CODES = {
    401: StatusCode.UNAUTHENTICATED,
    403: StatusCode.PERMISSION_DENIED,
    404: StatusCode.NOT_FOUND,
    409: StatusCode.ABORTED,
    429: StatusCode.RESOURCE_EXHAUSTED,
    499: StatusCode.CANCELLED,
    501: StatusCode.UNIMPLEMENTED,
    503: StatusCode.UNAVAILABLE,
    504: StatusCode.DEADLINE_EXCEEDED,
}
_MISSING_INPUT = re.compile(r"Missing named input: (\w+)")


class RestHashtagClient(BlockingClient):
    """The client of the REST API; see `BlockingClient` for its arguments and methods.

    `server` is `host:port`, `http://host:port` or `https://host:port`. A REST answer does not name
    the version that gave it. Where the answer of a method names it, the client first asks which
    version is served and then asks this version, two requests in all (one with `version` given).
    The API takes no request that leaves an input out: once it has refused one for that, the client
    asks for the model's inputs, and says of facts that nobody tells that they are unknown.
    """

    def signatures(self, deadline: float | None = None) -> Signatures:
        """The model's signatures, from its metadata; `deadline` as of `time.monotonic`."""
        url = f"{model_url(self)}/metadata"
        document = self._request("GET", url, deadline or self._deadline())
        try:
            signatures = document["metadata"]["signature_def"]["signature_def"]
            return {
                signature: {
                    name: Input(
                        info.get("dtype") == "DT_STRING",
                        tuple(int(dim["size"]) for dim in info["tensor_shape"].get("dim", ())),
                    )
                    for name, info in about.get("inputs", {}).items()
                }
                for signature, about in signatures.items()
            }
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise self._not_the_api("200, without signatures") from error

    def close(self) -> None:
        """Closes the connections."""
        self._pool.clear()

    def _open(self) -> None:
        options: dict[str, Any] = {"retries": False, "maxsize": _CONNECTIONS}
        if base_url(self).startswith("https:"):
            options["ssl_context"] = (self.tls or Tls()).ssl_context()
        self._pool = urllib3.PoolManager(**options)
        # Inputs that questions may leave out, by signature.
        self._optional: dict[str, Mapping[str, Input]] = {}

    def _ask(self, question: Question[AnswerT]) -> AnswerT:
        deadline = self._deadline()
        try:
            return self._ask_completely(question, deadline)
        except RequestError as error:
            missing = _MISSING_INPUT.search(error.details)
            if missing is None or missing[1] in CONTENT:
                raise
        inputs = self.inputs_of(question.signature, self.signatures(deadline))
        self._optional[question.signature] = {n: i for n, i in inputs.items() if n not in CONTENT}
        return self._ask_completely(question, deadline)

    def _ask_completely(self, question: Question[AnswerT], deadline: float) -> AnswerT:
        rows = len(next(iter(question.inputs.values())))
        optional = self._optional.get(question.signature, {})
        untold: dict[str, Any] = {name: [about.unknown] * rows for name, about in optional.items()}
        body = json_body(question.signature, {**untold, **question.inputs})
        asks_version = self.version is None and question.tells_version
        try:
            version, document = self._ask_version(deadline, body, current=asks_version)
        except RequestError as error:
            if not asks_version or error.code is not StatusCode.NOT_FOUND:
                raise
            # The version may have been unloaded in between, for another one.
            version, document = self._ask_version(deadline, body, current=True)
        if not isinstance(document, dict) or "outputs" not in document:
            raise self._not_the_api("200, without outputs")
        outputs = document["outputs"]
        if not isinstance(outputs, dict):  # a single output comes without its name
            outputs = {question.outputs[0]: outputs} if len(question.outputs) == 1 else {}
        return question.read(Answered(self.model, version or 0, outputs))

    def _ask_version(
        self, deadline: float, body: bytes, *, current: bool
    ) -> tuple[int | None, Any]:
        version = self._current_version(deadline) if current else self.version
        url = f"{model_url(self, version)}:predict"
        return version, self._request("POST", url, deadline, body)

    def _current_version(self, deadline: float) -> int:
        labelled = self.version_label is not None
        # The metadata are long, but the model's status ignores labels.
        url = f"{model_url(self)}/metadata" if labelled else model_url(self)
        document = self._request("GET", url, deadline)
        try:
            if labelled:
                return int(document["model_spec"]["version"])
            versions = [
                int(status["version"])
                for status in document["model_version_status"]
                if status["state"] == "AVAILABLE"
            ]
        except (KeyError, TypeError, ValueError) as error:
            raise self._not_the_api("200, without a version") from error
        if not versions:
            raise self.error(StatusCode.NOT_FOUND, "no version is available")
        return max(versions)

    def _request(self, method: str, url: str, deadline: float, body: bytes | None = None) -> Any:
        """The JSON document that answers a request, retried while the server is unavailable.

        `deadline` is that of all attempts, in seconds of `time.monotonic`.
        """
        for failures in range(1, self.attempts + 1):
            try:
                return self._try(method, url, deadline, body)
            except RequestError as error:
                # A certificate does not become valid.
                is_final = isinstance(error.__cause__, urllib3.exceptions.SSLError)
                if error.code is not StatusCode.UNAVAILABLE or is_final:
                    raise
                unavailable = error
            seconds = pause(failures)
            if failures == self.attempts or time.monotonic() + seconds >= deadline:
                break
            time.sleep(seconds)
        raise unavailable

    def _try(self, method: str, url: str, deadline: float, body: bytes | None) -> Any:
        try:
            response = self._pool.request(
                method,
                url,
                body=body,
                headers={"Content-Type": "application/json"},
                timeout=urllib3.Timeout(total=_left(deadline)),
                preload_content=False,
            )
            text = _read(response, deadline)
        except urllib3.exceptions.NewConnectionError as error:  # which urllib3 counts as a timeout
            raise self.error(StatusCode.UNAVAILABLE, _reason(error)) from error
        except (urllib3.exceptions.TimeoutError, TimeoutError) as error:
            raise self.error(StatusCode.DEADLINE_EXCEEDED, "") from error
        except (urllib3.exceptions.HTTPError, OSError) as error:
            # Not of its subclass RemoteDisconnected, which is no answer at all.
            if error.args and type(error.args[-1]) is http.client.BadStatusLine:
                message = f"{self.server} is not an HTTP server; is it the port of the gRPC API?"
                raise RequestError(message, StatusCode.INTERNAL, "not HTTP") from error
            raise self.error(StatusCode.UNAVAILABLE, _reason(error)) from error
        if response.status != 200:
            raise self._refused(response.status, text)
        try:
            return json.loads(text)
        except ValueError as error:
            raise self._not_the_api("200, not in JSON") from error

    def _refused(self, status: int, text: bytes) -> RequestError:
        message = error_message(text)
        if message is None and status == 404:
            return self._not_the_api("404")
        other = StatusCode.INVALID_ARGUMENT if 400 <= status < 500 else StatusCode.INTERNAL
        return self.error(_CODES.get(status, other), message or f"HTTP status {status}")

    def _not_the_api(self, found: str) -> RequestError:
        message = (
            f"{self.server} answered with status {found}: it is not the REST API of a model server;"
            " check host and port"
        )
        return RequestError(message, StatusCode.INTERNAL, found)

    def _deadline(self) -> float:
        return time.monotonic() + self.timeout


def base_url(client: ModelClient) -> str:
    """The URL of a server; `UserError` if it is not one of a REST API or does not fit the TLS."""
    server, tls = client.server, client.tls
    url = server if "://" in server else f"{'http' if tls is None else 'https'}://{server}"
    try:
        parts = urllib.parse.urlsplit(url)
        # The port raises ValueError if it is not a number.
        is_http = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:
        is_http = False
    if not is_http:
        raise UserError(f"{server!r} is not the address of a REST API; give http://host:port")
    if tls is not None and url.startswith("http:"):
        raise UserError(f"{server} is not encrypted, but TLS is asked for; write https://")
    return url.rstrip("/")


def model_url(client: ModelClient, version: int | None = None) -> str:
    """The URL of the model that a client asks; `version` replaces the client's version or label."""
    url = f"{base_url(client)}/v1/models/{urllib.parse.quote(client.model, safe='')}"
    if version is None:
        version = client.version
    if version is not None:
        return f"{url}/versions/{version}"
    if client.version_label is not None:
        return f"{url}/labels/{urllib.parse.quote(client.version_label, safe='')}"
    return url


def json_body(signature: str, inputs: Mapping[str, Column]) -> bytes:
    """The JSON document that runs a signature on columns of inputs.

    Floats keep their point, without which the server takes them for integers. Unknown numbers are
    the token NaN, which JSON does not have but the server takes.
    """
    columns = {
        name: [
            {"b64": base64.b64encode(value).decode()} if isinstance(value, bytes) else value
            for value in column
        ]
        for name, column in inputs.items()
    }
    return json.dumps({"signature_name": signature, "inputs": columns}).encode()


def error_message(text: bytes) -> str | None:
    """What this API says of a failed request; None if the text is not this API's."""
    try:
        return str(json.loads(text)["error"])
    except (ValueError, TypeError, KeyError):
        return None


def pause(failures: int) -> float:
    """Seconds to wait after so many failures of a call, one or more."""
    seconds = base.FIRST_PAUSE_SECONDS * base.BACKOFF ** (failures - 1)
    return min(seconds, base.LONGEST_PAUSE_SECONDS) * random.uniform(1 - _JITTER, 1 + _JITTER)


def _left(deadline: float) -> float:
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError("the time is over")
    return left


def _read(response: urllib3.BaseHTTPResponse, deadline: float) -> bytes:
    """The whole body; a server that sends it bit by bit does not extend the timeout."""
    body = b""
    while piece := response.read1():
        body += piece
        _left(deadline)
    response.release_conn()  # not before: the rest must not be taken for the next answer
    return body


def _reason(error: Exception) -> str:
    """An exception without the name of the connection object, which urllib3 puts first."""
    return str(error.__cause__ or error)
