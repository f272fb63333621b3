"""Serving: an embedded stand-in for TensorFlow Serving, and the client of either.

`serving.HashtagClient`, `serving.User` and the other names below are imported when first used, so
that `import serving` stays light.
"""

import importlib
from typing import Any

_HOMES = {
    "AsyncHashtagClient": "serving.client.grpc_client",
    "Hashtag": "serving.client.answers",
    "HashtagClient": "serving.client.grpc_client",
    "HashtagEmbeddings": "serving.client.answers",
    "ModelServer": "serving.server.model_server",
    "Prediction": "serving.client.answers",
    "RequestError": "serving.client.answers",
    "RestHashtagClient": "serving.client.rest_client",
    "ServerProcess": "serving.server.runner",
    "StatusCode": "serving.client.answers",
    "Tls": "serving.client.tls",
    "User": "tagkeras.data.user",
}

__all__ = sorted(_HOMES)


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
