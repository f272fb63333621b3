"""What a method and a path ask for."""

import re
import urllib.parse
from typing import NamedTuple

from tensorflow_serving.apis import model_pb2

from serving.server.errors import invalid_argument

INFERENCES = ("predict", "classify", "regress")
METADATA = "metadata"
STATUS = "status"

_MODEL = r"/v1/models{}(?:(?:/versions/(?P<version>\d+))|(?:/labels/(?P<label>[^/:]+)))?"
_NAME = r"/(?P<name>[^/:]+)"
_FLAGS = re.ASCII | re.IGNORECASE
_POST = re.compile(_MODEL.format(_NAME) + r":(?P<action>classify|regress|predict)", _FLAGS)
_GET = re.compile(_MODEL.format(f"(?:{_NAME})?") + r"(?:/(?P<action>metadata))?", _FLAGS)
_URI = re.compile(r"(?:[\w.~!$&'()*+,;=:@/?#-]|%[0-9a-f]{2})*", _FLAGS)
_MAX_VERSION_DIGITS = len(str(2**63))
_API = re.compile(r"/v1/.*", _FLAGS)


class Route(NamedTuple):
    """One of `INFERENCES`, `METADATA` or `STATUS`, and the model that it is asked of."""

    action: str
    spec: model_pb2.ModelSpec


def is_api(uri: str) -> bool:
    """Whether a URI belongs to this API, if only to be refused."""
    return _API.fullmatch(uri) is not None


def parse_route(method: str, uri: str) -> Route:
    """Reads a method, and path and query as written, percent signs included.

    `INVALID_ARGUMENT` if the API has no such method and path.
    """
    pattern = {"POST": _POST, "GET": _GET}.get(method)
    match = pattern.fullmatch(uri) if pattern and _URI.fullmatch(uri) else None
    # An action in capitals is found, too, but is none.
    if match is None or (method == "POST" and match["action"] not in INFERENCES):
        raise invalid_argument(f"Malformed request: {method} {uri}")
    action = match["action"]
    spec = model_pb2.ModelSpec()
    if match["version"]:
        digits = match["version"].lstrip("0") or "0"
        if len(digits) > _MAX_VERSION_DIGITS or int(digits) >= 2**63:
            raise invalid_argument(f"Failed to convert version: {match['version']} to numeric.")
        spec.version.value = int(digits)
    if not match["name"]:
        raise invalid_argument("Missing model name in request.")
    spec.name = _decode(match["name"])
    if match["label"]:
        spec.version_label = _decode(match["label"])
    if method == "GET":
        action = METADATA if action == METADATA else STATUS
    return Route(action, spec)


def _decode(text: str) -> str:
    raw = urllib.parse.unquote_to_bytes(text.encode("utf-8", "surrogateescape"))
    return raw.decode("utf-8", "replace")
