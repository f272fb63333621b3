"""Datasets: posts and what is known of their users, records, manifest, vocabulary, tf.data input.

    dataset = tagkeras.data.load("dataset", "train", batch_size=512)
    manifest = tagkeras.data.Manifest.load("dataset")

Names are imported when first used: a client that needs a `User` alone goes without TensorFlow.
"""

import importlib
from typing import Any

_MODULES = {
    "facts": ("FACTS", "FactSchema", "to_columns"),
    "hashtags": ("normalize",),
    "input": ("load", "named_errors", "read_split", "sample_posts"),
    "manifest": ("Manifest", "fingerprint"),
    "posts": ("Post", "PostError", "parse_post"),
    "posts_file": ("read_posts",),
    "records": ("PostRecord", "encode", "parse"),
    "training_input": ("TrainingInput",),
    "user": ("User",),
    "vocabulary": ("Vocabulary",),
}
_MODULE_OF = {name: module for module, names in _MODULES.items() for name in names}
__all__ = sorted(_MODULE_OF)


def __getattr__(name: str) -> Any:
    if name in _MODULE_OF:
        return getattr(importlib.import_module(f"{__name__}.{_MODULE_OF[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
