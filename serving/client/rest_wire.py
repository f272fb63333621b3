"""Questions and answers of the REST API."""

import base64
import json
import urllib.parse
from collections.abc import Mapping
from typing import Any

from serving.client.answers import StatusCode
from serving.client.columns import Column
from serving.client.questions import Question

# HTTP has fewer words for failure than gRPC: other statuses of the client's are INVALID_ARGUMENT.
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


def model_path(model: str, version: int | None = None, version_label: str | None = None) -> str:
    """The path of a model, or of one of its versions by number or label."""
    path = f"/v1/models/{urllib.parse.quote(model, safe='')}"
    if version is not None:
        return f"{path}/versions/{version}"
    if version_label is not None:
        return f"{path}/labels/{urllib.parse.quote(version_label, safe='')}"
    return path


def status_code(http_status: int) -> StatusCode:
    """The code that an HTTP status stands for."""
    if http_status in _CODES:
        return _CODES[http_status]
    return StatusCode.INVALID_ARGUMENT if 400 <= http_status < 500 else StatusCode.INTERNAL


def body(question: Question[Any]) -> bytes:
    """The JSON document that asks a question, its inputs as columns.

    Floats keep their point, without which the server would take them for integers; the unknown
    ones are the token NaN, which goes beyond JSON but not beyond the server.
    """
    inputs = {name: json_values(column) for name, column in question.inputs.items()}
    return json.dumps({"signature_name": question.signature, "inputs": inputs}).encode()


def outputs(question: Question[Any], document: Any) -> Mapping[str, list[Any]]:
    """The outputs in a document; a lone one comes without its name.

    Raises:
        ValueError: the document is none that answers a question.
    """
    if not isinstance(document, dict) or "outputs" not in document:
        raise ValueError("no outputs")
    found = document["outputs"]
    if isinstance(found, dict):
        return found
    return {question.outputs[0]: found} if len(question.outputs) == 1 else {}


def error_message(text: bytes) -> str | None:
    """What a failed request is told; None if it is not this API that tells it."""
    try:
        return str(json.loads(text)["error"])
    except (ValueError, TypeError, KeyError):
        return None


def json_values(column: Column) -> list[Any]:
    """A column as JSON takes it: bytes in base64."""
    return [
        {"b64": base64.b64encode(value).decode()} if isinstance(value, bytes) else value
        for value in column
    ]
