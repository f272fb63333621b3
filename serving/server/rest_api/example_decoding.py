"""JSON bodies of `:classify` and `:regress` to tf.Examples."""

from collections.abc import Mapping
from typing import Any

from tensorflow.core.example import example_pb2, feature_pb2
from tensorflow_serving.apis import input_pb2

from serving.server.errors import ServingError, invalid_argument
from serving.server.rest_api.json_decoding import decode_base64, to_float32
from serving.server.rest_api.json_text import encode, is_base64, number, type_text, value_text

_CONTEXT = "context"
_EXAMPLES = "examples"
_KINDS = {"bytes_list": "bytes", "float_list": "float", "int64_list": "int64"}


def fill_examples(document: Mapping[str, Any], examples: input_pb2.Input) -> None:
    """Fills in the examples of a request, and their common context if there is one.

    Integers and booleans become int64 features, numbers with a point float ones.

    Args:
        document: the body.
        examples: gets the examples.

    Raises:
        ServingError: `INVALID_ARGUMENT` naming what is wrong.
    """
    into = examples.example_list.examples
    if _CONTEXT in document:
        with_context = examples.example_list_with_context
        with_context.context.SetInParent()
        _fill_example(document[_CONTEXT], with_context.context)
        into = with_context.examples
    if _EXAMPLES not in document:
        raise _format_error(
            document, "When method is classify, key 'examples' is expected and was not found"
        )
    listed = document[_EXAMPLES]
    if not isinstance(listed, list):
        raise _format_error(document, "Expecting 'examples' value to be an list/array")
    if not listed:
        raise _format_error(document, "'examples' value is an empty array")
    for value in listed:
        _fill_example(value, into.add())


def _fill_example(value: Any, example: example_pb2.Example) -> None:
    if not isinstance(value, dict):
        raise invalid_argument(f"Example must be JSON object but got JSON {type_text(value)}")
    for key, content in value.items():
        name = encode(key).decode()
        feature = example.features.feature[name]
        for element in content if isinstance(content, list) else [content]:
            _add_element(element, name, feature)


def _add_element(value: Any, name: str, feature: feature_pb2.Feature) -> None:
    if isinstance(value, bool):
        _check_kind(name, feature, "int64_list")
        feature.int64_list.value.append(int(value))
    elif is_base64(value):
        _check_kind(name, feature, "bytes_list")
        feature.bytes_list.value.append(decode_base64(value))
    elif isinstance(value, str):
        _check_kind(name, feature, "bytes_list")
        feature.bytes_list.value.append(encode(value))
    elif (numeric := number(value)) is None:
        raise invalid_argument(
            f"Feature: {name} has element with unexpected JSON type: {type_text(value)}"
        )
    elif isinstance(numeric, float):
        _check_kind(name, feature, "float_list")
        feature.float_list.value.append(to_float32(numeric))
    else:
        _check_kind(name, feature, "int64_list")
        if numeric >= 2**63:
            raise invalid_argument(f"Feature: {name} has uint64 element. Only int64 is supported.")
        feature.int64_list.value.append(numeric)


def _check_kind(name: str, feature: feature_pb2.Feature, kind: str) -> None:
    present = feature.WhichOneof("kind")
    if present not in (None, kind):
        raise invalid_argument(
            f"Unexpected element type in feature: {name} expecting type: {_KINDS[present]}"
        )


def _format_error(document: Mapping[str, Any], what: str) -> ServingError:
    return invalid_argument(f"JSON Value: {value_text(document)} {what}")
