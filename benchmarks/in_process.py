"""Calls of an exported model's session in this process."""

import itertools
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import tensorflow as tf
from tensorflow.python.saved_model import loader_impl

from serving.server.inference.servable import Servable

SIGNATURE = "descriptor"


def session_call(path: str, descriptors: np.ndarray) -> Callable[[], object]:
    """A way to ask an export for the hashtags of one descriptor, by `Session.run`.

    Args:
        path: folder of the version.
        descriptors: float32 [N, n], asked about in turn, a user with each.
    """
    session = tf.compat.v1.Session(graph=tf.Graph())
    with session.graph.as_default():
        loaded = loader_impl.SavedModelLoader(path).load(session, [tf.saved_model.SERVING])
    feeds, fetches = _feeds(loaded.signature_def[SIGNATURE], descriptors)
    return lambda: session.run(fetches, next(feeds))


def servable_call(path: str, descriptors: np.ndarray) -> Callable[[], object]:
    """The same by the server's own way to its session, which is faster."""
    servable = Servable("bench", 1, path)
    feeds, fetches = _feeds(servable.signatures[SIGNATURE], descriptors)
    return lambda: servable.run(next(feeds), fetches)


def _feeds(signature: Any, descriptors: np.ndarray) -> tuple[Iterator[Any], list[str]]:
    """What to feed, for ever, and what to fetch."""
    user = {
        "age": np.array([30], np.float32),
        "gender": np.array([b"female"], object),
        "country": np.array([b"GB"], object),
        "latitude": np.array([51.5], np.float32),
        "longitude": np.array([-0.1], np.float32),
    }

    def feed(descriptor: np.ndarray) -> dict[str, np.ndarray]:
        values = {**user, "descriptor": descriptor[None]}
        return {info.name: values[name] for name, info in signature.inputs.items()}

    fetches = [info.name for info in signature.outputs.values()]
    return itertools.cycle([feed(descriptor) for descriptor in descriptors]), fetches
