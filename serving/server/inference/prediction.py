"""Predict: tensors in, tensors out."""

from collections.abc import Collection

import grpc
import numpy as np
from tensorflow.core.protobuf import meta_graph_pb2
from tensorflow_serving.apis import predict_pb2

from serving import tensors
from serving.server.errors import ServingError, failed_precondition, invalid_argument
from serving.server.inference import classification, regression
from serving.server.inference.model_spec import model_spec, signature_name
from serving.server.models.servable import Servable
from serving.tensors import Array

METHOD = "tensorflow/serving/predict"
# Those of the other methods have inputs and outputs by name, too.
_METHODS = (METHOD, classification.METHOD, regression.METHOD)


def predict(
    servable: Servable,
    request: predict_pb2.PredictRequest,
    timeout: float | None = None,
    *,
    as_content: bool = False,
) -> predict_pb2.PredictResponse:
    """Feeds the request's tensors and answers the signature's outputs, or those asked for.

    Args:
        servable: the version that answers.
        request: tensors by the names of the signature's inputs.
        timeout: seconds after which the computation is stopped; None for never.
        as_content: answer numbers in `tensor_content` instead of the typed fields.

    Raises:
        ServingError: `FAILED_PRECONDITION` for an unknown signature, `INVALID_ARGUMENT` for inputs
            or outputs that the signature does not have, `INTERNAL` for a signature of a method
            that the servable is to refuse, or the status of the computation.
    """
    name = signature_name(request.model_spec)
    if name not in servable.signatures:
        raise failed_precondition(f'Serving signature key "{name}" not found.')
    signature = servable.signatures[name]
    if servable.check_method_names and signature.method_name not in _METHODS:
        raise ServingError(
            grpc.StatusCode.INTERNAL,
            "Expected prediction signature method_name to be one of "
            f"{{{', '.join(_METHODS)}}}. Was: {signature.method_name}",
        )
    feeds = _input_values(signature, request)
    aliases = _output_aliases(signature, request.output_filter)
    fetches = [signature.outputs[alias].name for alias in aliases]
    values = servable.run(feeds, fetches, timeout, api="Predict")
    response = predict_pb2.PredictResponse(model_spec=model_spec(servable, request.model_spec))
    for alias, value in zip(aliases, values, strict=True):
        tensors.fill_proto(response.outputs[alias], np.asarray(value), as_content=as_content)
    return response


def _input_values(
    signature: meta_graph_pb2.SignatureDef, request: predict_pb2.PredictRequest
) -> dict[str, Array]:
    """Values by tensor name; what the request leaves out is taken from the signature's defaults."""
    asked, known = set(request.inputs), set(signature.inputs)
    if len(asked) > len(known) or (len(asked) < len(known) and not signature.defaults):
        raise invalid_argument(
            f"input size does not match signature: {len(asked)}!={len(known)} "
            f"len({{{_joined(asked)}}}) != len({{{_joined(known)}}}). "
            f"Sent extra: {{{_joined(asked - known)}}}. "
            f"Missing but required: {{{_joined(known - asked)}}}."
        )
    feeds = {}
    for alias in sorted(known):
        feed = signature.inputs[alias].name
        if alias in asked:
            proto = request.inputs[alias]
        elif alias in signature.defaults:
            proto = signature.defaults[alias]
        else:
            raise invalid_argument(
                f"Signature input alias: {alias}(feed name: {feed}) not found in request and no "
                f"default value provided. Inputs expected to be in the request "
                f"{{{_joined(asked)}}}, or default input alias set: {_joined(signature.defaults)}"
            )
        try:
            feeds[feed] = tensors.from_proto(proto)
        except (ValueError, MemoryError) as error:
            raise invalid_argument(f"tensor parsing error: {alias}") from error
    if not asked <= known:
        raise invalid_argument(
            f"Inputs contains invalid name. Used request inputs: {_joined(asked & known)}, "
            f"request input: {_joined(asked)}"
        )
    return feeds


def _output_aliases(
    signature: meta_graph_pb2.SignatureDef, wanted: Collection[str]
) -> Collection[str]:
    seen = set()
    for alias in wanted:
        if alias not in signature.outputs:
            raise invalid_argument(
                f"output tensor alias not found in signature: {alias} Outputs expected to be in "
                f"the set {{{_joined(signature.outputs)}}}."
            )
        if alias in seen:
            raise invalid_argument(f"duplicate output tensor alias: {alias}")
        seen.add(alias)
    return wanted or sorted(signature.outputs)


def _joined(names: Collection[str]) -> str:
    return ",".join(sorted(names))
