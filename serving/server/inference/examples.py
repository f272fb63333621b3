"""Runs a signature on tf.Examples, as Classify, Regress and MultiInference have in common."""

from collections.abc import Collection

import numpy as np
import tensorflow as tf
from tensorflow.core.framework import types_pb2
from tensorflow.core.protobuf import meta_graph_pb2
from tensorflow_serving.apis import input_pb2, model_pb2

from serving.server.errors import invalid_argument
from serving.server.inference.model_spec import signature_name
from serving.server.models.servable import Servable
from serving.tensors import Array

# The outputs of a run by tensor name: several signatures may share a run, and name one tensor.
Results = dict[str, Array]


def example_signature(servable: Servable, spec: model_pb2.ModelSpec) -> meta_graph_pb2.SignatureDef:
    """The signature asked for; `INVALID_ARGUMENT` if there is none of that name."""
    name = signature_name(spec)
    if name not in servable.signatures:
        raise invalid_argument(f"No signature was found with the name: {name}")
    return servable.signatures[name]


def run_examples(
    servable: Servable,
    examples: input_pb2.Input,
    feed: str,
    fetches: Collection[str],
    timeout: float | None,
    *,
    api: str | None = None,
) -> tuple[Results, int]:
    """Feeds the serialized examples; the tensors fetched, and the number of examples.

    `api`, such as `Classify`, is what the time is measured under.
    """
    serialized = _serialized_examples(examples)
    names = list(fetches)
    values = servable.run({feed: serialized}, names, timeout, api=api)
    return dict(zip(names, map(np.asarray, values), strict=True)), len(serialized)


def _serialized_examples(examples: input_pb2.Input) -> Array:
    """The examples as serialized tf.Example, shape [count]; the context's features come first."""
    if examples.WhichOneof("kind") == "example_list_with_context":
        listed = examples.example_list_with_context
        context = listed.context.SerializeToString()
    else:
        listed = examples.example_list
        context = b""
    serialized = np.empty(len(listed.examples), np.object_)
    # A serialized message appended to another is read as the two merged.
    serialized[:] = [context + example.SerializeToString() for example in listed.examples]
    if not len(serialized):
        raise invalid_argument("Input is empty.")
    return serialized


def one_line(signature: meta_graph_pb2.SignatureDef) -> str:
    """A signature for a message."""
    return " ".join(str(signature).split())


def shape_string(values: Array) -> str:
    """A shape as TensorFlow writes it, such as `[2,3]`."""
    return f"[{','.join(map(str, values.shape))}]"


def type_name(values: Array) -> str:
    """The name of an array's type in TensorFlow, such as `DT_FLOAT`."""
    return types_pb2.DataType.Name(tf.as_dtype(values.dtype).as_datatype_enum)
