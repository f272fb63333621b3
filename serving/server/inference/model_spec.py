"""The ModelSpec of requests and responses."""

import tensorflow as tf
from tensorflow_serving.apis import model_pb2

from serving.server.models.servable import Servable


def signature_name(spec: model_pb2.ModelSpec) -> str:
    """The signature that is asked for, `serving_default` if none is named."""
    return spec.signature_name or tf.saved_model.DEFAULT_SERVING_SIGNATURE_DEF_KEY


def model_spec(servable: Servable, asked: model_pb2.ModelSpec) -> model_pb2.ModelSpec:
    """What a response says of the version and signature that answered."""
    spec = model_pb2.ModelSpec(name=asked.name, signature_name=signature_name(asked))
    spec.version.value = servable.version
    return spec
