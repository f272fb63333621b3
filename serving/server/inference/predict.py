"""Predict: tensors in, tensors out."""

from collections.abc import Collection, Mapping

import grpc
import numpy as np
import tensorflow as tf
from tensorflow.core.framework import tensor_pb2
from tensorflow.core.protobuf import meta_graph_pb2
from tensorflow_serving.apis import model_pb2, predict_pb2

from serving import tensors
from serving.server.errors import ServingError, failed_precondition, invalid_argument
from serving.server.inference.servable import Servable
from serving.tensors import Array

# Signatures of the other methods have inputs and outputs by name, too.
_METHODS = frozenset(f"tensorflow/serving/{name}" for name in ("predict", "classify", "regress"))
_MAX_QUOTED_NAMES = 20


def predict(
    servable: Servable,
    request: predict_pb2.PredictRequest,
    timeout: float | None = None,
    *,
    as_content: bool = False,
) -> predict_pb2.PredictResponse:
    """Feeds the request's tensors and answers the signature's outputs, or those asked for.

    Inputs that the request leaves out are taken from the signature's defaults, if it has them.
    The computation is stopped after `timeout` seconds, or never if that is None. `as_content`
    answers numbers in `tensor_content` instead of the typed fields.

    Raises:
        ServingError: `FAILED_PRECONDITION` for an unknown signature, `INVALID_ARGUMENT` for inputs
            or outputs that the signature does not have, `INTERNAL` for a signature of a method
            that the servable is to refuse, or the status of the computation.
    """
    name = signature_name(request.model_spec)
    if name not in servable.signatures:
        raise failed_precondition(f'Serving signature key "{name}" not found.')
    signature = servable.signatures[name]
    inputs = _decode_inputs(signature, request.inputs)
    outputs = run_signature(servable, signature, inputs, request.output_filter, timeout)
    response = predict_pb2.PredictResponse(model_spec=answered_spec(servable, request.model_spec))
    for alias, value in outputs.items():
        tensors.fill_proto(response.outputs[alias], value, as_content=as_content)
    return response


def run_signature(
    servable: Servable,
    signature: meta_graph_pb2.SignatureDef,
    inputs: Mapping[str, Array],
    wanted: Collection[str] = (),
    timeout: float | None = None,
) -> dict[str, Array]:
    """Computes the `wanted` outputs of a signature, all if empty; raises as `predict`."""
    if servable.check_method_names and signature.method_name not in _METHODS:
        raise ServingError(
            grpc.StatusCode.INTERNAL,
            f"Expected prediction signature method_name to be one of {_joined(_METHODS)}. "
            f"Was: {signature.method_name}",
        )
    aliases = list(wanted or sorted(signature.outputs))
    for alias in aliases:
        if alias not in signature.outputs:
            raise invalid_argument(
                f"output tensor alias not found in signature: {alias} Outputs expected to be in "
                f"the set {{{_joined(signature.outputs)}}}."
            )
    if len(set(aliases)) < len(aliases):
        raise invalid_argument(f"duplicate output tensor alias in {_joined(aliases)}")
    feeds = {signature.inputs[alias].name: value for alias, value in inputs.items()}
    fetches = [signature.outputs[alias].name for alias in aliases]
    values = servable.run(feeds, fetches, timeout, api="Predict")
    return dict(zip(aliases, map(np.asarray, values), strict=True))


def signature_name(spec: model_pb2.ModelSpec) -> str:
    """The signature that is asked for, `serving_default` if none is named."""
    return spec.signature_name or tf.saved_model.DEFAULT_SERVING_SIGNATURE_DEF_KEY


def answered_spec(servable: Servable, asked: model_pb2.ModelSpec) -> model_pb2.ModelSpec:
    """What a response says of the version and signature that answered."""
    spec = model_pb2.ModelSpec(name=asked.name, signature_name=signature_name(asked))
    spec.version.value = servable.version
    return spec


def _decode_inputs(
    signature: meta_graph_pb2.SignatureDef, given: Mapping[str, tensor_pb2.TensorProto]
) -> dict[str, Array]:
    """The value of each input, from the request or else from the defaults of the signature."""
    missing = signature.inputs.keys() - given.keys() - signature.defaults.keys()
    if missing:
        raise invalid_argument(
            f"Signature input alias: {_joined(missing)} not found in request and no default value "
            "provided."
        )
    if extra := given.keys() - signature.inputs.keys():
        raise invalid_argument(f"Inputs contains invalid name: {_joined(extra)}")
    inputs = {}
    for alias in sorted(signature.inputs):
        try:
            inputs[alias] = tensors.from_proto(
                given[alias] if alias in given else signature.defaults[alias]
            )
        except (ValueError, MemoryError) as error:
            raise invalid_argument(f"tensor parsing error: {alias}: {error}") from error
    return inputs


def _joined(names: Collection[str]) -> str:
    """The first names, for a message: a request may have any number of them."""
    return ",".join(sorted(names)[:_MAX_QUOTED_NAMES])
