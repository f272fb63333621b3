"""Calls of an exported model's session in this process."""

from collections.abc import Callable

import numpy as np
import tensorflow as tf
from tensorflow.python.saved_model import loader_impl

from serving.models.servable import Servable

SIGNATURE = "descriptor"


def in_process_calls(path: str, descriptor_size: int) -> dict[str, Callable[[], object]]:
    """The ways to ask an export for the hashtags of one descriptor in this process, by name.

    Args:
        path: folder of the version.
        descriptor_size: n.

    Returns:
        `session`, which is `Session.run`, and `servable`, the server's own way to its session.
    """
    servable = Servable("bench", 1, path)
    session = tf.compat.v1.Session(graph=tf.Graph())
    with session.graph.as_default():
        loader_impl.SavedModelLoader(path).load(session, [tf.saved_model.SERVING])
    signature = servable.signatures[SIGNATURE]
    values = {
        "descriptor": np.random.default_rng(0).normal(size=(1, descriptor_size)).astype(np.float32),
        "age": np.array([30], np.float32),
        "gender": np.array([b"female"], object),
        "country": np.array([b"GB"], object),
        "latitude": np.array([51.5], np.float32),
        "longitude": np.array([-0.1], np.float32),
    }
    feeds = {info.name: values[name] for name, info in signature.inputs.items()}
    fetches = [info.name for info in signature.outputs.values()]
    return {
        "session": lambda: session.run(fetches, feeds),
        "servable": lambda: servable.run(feeds, fetches),
    }
