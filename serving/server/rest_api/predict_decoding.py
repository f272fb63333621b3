"""JSON bodies of `:predict` to PredictRequests."""

import enum
from collections.abc import Mapping
from typing import Any

from tensorflow.core.protobuf import meta_graph_pb2
from tensorflow_serving.apis import predict_pb2

from serving.server.errors import ServingError, invalid_argument
from serving.server.rest_api.json_decoding import TensorBuilder
from serving.server.rest_api.json_text import encode, is_base64, value_text

_INSTANCES = "instances"
_INPUTS = "inputs"
_SIGNATURE = "signature_name"

Infos = Mapping[str, meta_graph_pb2.TensorInfo]


class Format(enum.Enum):
    """How a request holds its tensors, and the answer its own."""

    ROW = "a list with an entry for each example"
    COLUMNAR = "a list for each tensor"


def signature_name(document: Mapping[str, Any]) -> str:
    """The signature that a document asks for, "" if it names none.

    Raises:
        ServingError: `INVALID_ARGUMENT` for a name that is no string.
    """
    name = document.get(_SIGNATURE, "")
    if not isinstance(name, str):
        raise invalid_argument(
            f"JSON Value: {value_text(document)} not formatted correctly. 'signature_name' key "
            "must be a string value."
        )
    return encode(name).decode()


def fill_predict_request(
    document: Mapping[str, Any], infos: Infos, request: predict_pb2.PredictRequest
) -> Format:
    """Fills in the inputs of a request.

    Args:
        document: the body.
        infos: the inputs of the signature.
        request: gets the tensors.

    Returns:
        The format, in which the client expects the answer too.

    Raises:
        ServingError: `INVALID_ARGUMENT` naming what does not fit the signature, `UNIMPLEMENTED`
            for inputs of a type that JSON cannot express.
    """
    if not infos:
        name = request.model_spec.signature_name or "DEFAULT"
        raise invalid_argument(f"Failed to get input map for signature: {name}")
    if _INSTANCES in document and _INPUTS in document:
        raise _format_error(
            document,
            "Not formatted correctly expecting only one of 'inputs' or 'instances' keys to exist ",
        )
    if _INSTANCES in document:
        instances = document[_INSTANCES]
        if not isinstance(instances, list):
            raise _format_error(document, "Excepting 'instances' to be an list/array")
        if not instances:
            raise _format_error(document, "No values in 'instances' array")
        _fill_rows(instances, infos, request)
        return Format.ROW
    if _INPUTS in document:
        _fill_columns(document[_INPUTS], infos, request)
        return Format.COLUMNAR
    raise invalid_argument("Missing 'inputs' or 'instances' key")


def _fill_rows(instances: list[Any], infos: Infos, request: predict_pb2.PredictRequest) -> None:
    if not isinstance(instances[0], dict) and len(infos) > 1:
        raise invalid_argument(
            "instances is a plain list, but expecting list of objects as multiple input tensors "
            "required as per tensorinfo_map"
        )
    builders: dict[str, TensorBuilder] = {}
    add_row = _add_named if _is_named(instances[0]) else _add_unnamed
    for position, instance in enumerate(instances):
        add_row(instance, position, infos, builders)
    for name, builder in builders.items():
        request.inputs[name].CopyFrom(builder.build(len(instances)))


def _add_named(
    instance: Any, position: int, infos: Infos, builders: dict[str, TensorBuilder]
) -> None:
    if not _is_named(instance):
        raise invalid_argument(f"Expecting object but got list at item {position} of input list")
    for name, value in instance.items():
        try:
            _add_instance(value, name, infos, builders)
        except ServingError as error:
            raise invalid_argument(
                f"Failed to process element: {position} key: {name} of 'instances' list. "
                f"Error: {error}"
            ) from None
    if instance.keys() != infos.keys():
        raise invalid_argument(
            f"Failed to process element: {position} of 'instances' list. JSON object: "
            f"{value_text(instance)} keys must be equal to: {','.join(sorted(infos))}"
        )


def _add_unnamed(
    instance: Any, position: int, infos: Infos, builders: dict[str, TensorBuilder]
) -> None:
    if _is_named(instance):
        raise invalid_argument(
            f"Expecting value/list but got object at item {position} of input list"
        )
    try:
        _add_instance(instance, min(infos), infos, builders)
    except ServingError as error:
        raise invalid_argument(
            f"Failed to process element: {position} of 'instances' list. Error: {error}"
        ) from None


def _add_instance(value: Any, name: str, infos: Infos, builders: dict[str, TensorBuilder]) -> None:
    if name not in infos:
        raise invalid_argument(f"JSON object: does not have named input: {name}")
    if name not in builders:
        builders[name] = TensorBuilder(infos[name].dtype)
    builders[name].add(value)


def _fill_columns(inputs: Any, infos: Infos, request: predict_pb2.PredictRequest) -> None:
    if not _is_named(inputs):
        if len(infos) > 1:
            raise invalid_argument(
                "inputs is a plain value/list, but expecting an object as multiple input tensors "
                "required as per tensorinfo_map"
            )
        inputs = {min(infos): inputs}
    for name, info in infos.items():
        if name not in inputs:
            raise invalid_argument(f"Missing named input: {name} in 'inputs' object.")
        builder = TensorBuilder(info.dtype)
        builder.add(inputs[name])
        request.inputs[name].CopyFrom(builder.build())


def _is_named(value: Any) -> bool:
    """Whether a value is an object of tensors by name, rather than a tensor itself."""
    return isinstance(value, dict) and not is_base64(value)


def _format_error(document: Mapping[str, Any], what: str) -> ServingError:
    return invalid_argument(f"JSON Value: {value_text(document)} {what}")
