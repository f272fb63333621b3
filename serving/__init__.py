"""Serving: an embedded stand-in for TensorFlow Serving, and the client of either.

`serving.HashtagClient`, `serving.User` and the other names below are imported when first used, so
that `import serving` stays light.
"""

import importlib
from typing import Any

_HOMES = {
    "Hashtag": "serving.clients.hashtag_client",
    "HashtagClient": "serving.clients.hashtag_client",
    "HashtagEmbeddings": "serving.clients.hashtag_client",
    "ModelServer": "serving.model_server",
    "Prediction": "serving.clients.hashtag_client",
    "RequestError": "serving.clients.hashtag_client",
    "ServerProcess": "serving.runner",
    "User": "tagkeras.data.user",
}

__all__ = [
    "Hashtag",
    "HashtagClient",
    "HashtagEmbeddings",
    "ModelServer",
    "Prediction",
    "RequestError",
    "ServerProcess",
    "User",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(_HOMES[name]), name)
