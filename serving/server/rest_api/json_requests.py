"""JSON bodies to tensors and tf.Examples.

What is a number, a tensor or bytes follows json_tensor.cc of TensorFlow Serving, and what is JSON
at all its RapidJSON: the bare words NaN, Infinity and -Infinity are numbers, of members of the same
name the first one counts, and text behind the document is ignored.
"""

import binascii
import enum
import itertools
import json
import math
from collections.abc import Mapping
from typing import Any

import grpc
import numpy as np
import tensorflow as tf
from tensorflow.core.example import example_pb2, feature_pb2
from tensorflow.core.framework import types_pb2
from tensorflow.core.protobuf import meta_graph_pb2
from tensorflow_serving.apis import input_pb2

from serving.server.errors import ServingError, invalid_argument
from serving.tensors import Array

Infos = Mapping[str, meta_graph_pb2.TensorInfo]

_WHITE_SPACE = " \t\r\n"
_MAX_QUOTED_CHARACTERS = 100
_FLOAT_MAX = float(np.finfo(np.float32).max)
_FLOATS = (types_pb2.DT_FLOAT, types_pb2.DT_DOUBLE)
# Small types take any int32 and keep its lower bits.
_INT32 = range(-(2**31), 2**31)
_INTEGERS = {
    types_pb2.DT_INT32: _INT32,
    types_pb2.DT_INT16: _INT32,
    types_pb2.DT_INT8: _INT32,
    types_pb2.DT_UINT8: _INT32,
    types_pb2.DT_INT64: range(-(2**63), 2**63),
    types_pb2.DT_UINT32: range(2**32),
    types_pb2.DT_UINT64: range(2**64),
}
_FEATURES = {int: "int64_list", float: "float_list", bytes: "bytes_list"}


class Format(enum.Enum):
    """How a request holds its tensors, and the answer its own."""

    ROW = "a list with an entry for each example"
    COLUMNAR = "a list for each tensor"


def parse(body: bytes) -> dict[str, Any]:
    """Reads a document; `INVALID_ARGUMENT` if it is not a JSON object or nested too deeply."""
    try:
        document, _ = _DECODER.raw_decode(body.decode("utf-8-sig").lstrip(_WHITE_SPACE))
    except ValueError as error:  # UnicodeDecodeError and JSONDecodeError, too
        raise invalid_argument(f"JSON Parse error: {error}") from None
    except RecursionError:
        raise invalid_argument("JSON Parse error: The document is nested too deeply.") from None
    if not isinstance(document, dict):
        raise invalid_argument(f"Expected a JSON object, got {_describe(document)}")
    return document


def signature_name(document: Mapping[str, Any]) -> str:
    """The signature that a document names, or ""; `INVALID_ARGUMENT` if it is not a string."""
    name = document.get("signature_name", "")
    if not isinstance(name, str):
        raise invalid_argument("'signature_name' key must be a string value.")
    return _encode(name).decode()


def decode_predict(document: Mapping[str, Any], infos: Infos) -> tuple[dict[str, Array], Format]:
    """The inputs of a `:predict` by name, and the format in which the answer is expected.

    `INVALID_ARGUMENT` names what does not fit the signature; `UNIMPLEMENTED` is for inputs of a
    type that JSON cannot express.
    """
    if not infos:
        raise invalid_argument("The signature has no inputs")
    if "instances" in document and "inputs" in document:
        raise invalid_argument("Expected only one of 'inputs' and 'instances' keys")
    if "instances" in document:
        rows = document["instances"]
        if not isinstance(rows, list) or not rows:
            raise invalid_argument("Expected 'instances' to be a list with at least one value")
        return _decode(_columns(rows, infos), infos), Format.ROW
    if "inputs" not in document:
        raise invalid_argument("Missing 'inputs' or 'instances' key")
    inputs = document["inputs"]
    if not _is_named(inputs):
        inputs = {_only_input(infos): inputs}
    for name in infos:
        if name not in inputs:
            raise invalid_argument(f"Missing named input: {name} in 'inputs' object.")
    return _decode({name: inputs[name] for name in infos}, infos), Format.COLUMNAR


def fill_examples(document: Mapping[str, Any], examples: input_pb2.Input) -> None:
    """Fills in the examples of a `:classify` or `:regress`, and their context if there is one.

    Integers and booleans become int64 features, numbers with a point float ones;
    `INVALID_ARGUMENT` names what is wrong.
    """
    into = examples.example_list.examples
    if "context" in document:
        examples.example_list_with_context.context.SetInParent()
        _fill_example(document["context"], examples.example_list_with_context.context)
        into = examples.example_list_with_context.examples
    listed = document.get("examples")
    if not isinstance(listed, list) or not listed:
        raise invalid_argument("Expected 'examples' to be a list with at least one example")
    for value in listed:
        _fill_example(value, into.add())


def _columns(rows: list[Any], infos: Infos) -> dict[str, list[Any]]:
    """The values of each input, one for each row."""
    if not _is_named(rows[0]):
        if any(map(_is_named, rows)):
            raise invalid_argument("Expected a value or list in each row of 'instances'")
        return {_only_input(infos): rows}
    for position, row in enumerate(rows):
        if not _is_named(row) or row.keys() != infos.keys():
            raise invalid_argument(
                f"Failed to process element: {position} of 'instances' list: expected an object "
                f"with the keys {', '.join(sorted(infos))}"
            )
    return {name: [row[name] for row in rows] for name in infos}


def _decode(values: Mapping[str, Any], infos: Infos) -> dict[str, Array]:
    arrays = {}
    for name, value in values.items():
        try:
            arrays[name] = _array(value, infos[name].dtype)
        except ServingError as error:
            raise ServingError(error.code, f"Input {name}: {error.message}") from None
    return arrays


def _array(value: Any, dtype: int) -> Array:
    """A tensor from a scalar or nested lists, whose first elements tell the shape."""
    shape = []
    first = value
    while isinstance(first, list):
        shape.append(len(first))
        first = first[0] if first else None
    elements = [value]
    for level, size in enumerate(shape):
        for each in elements:
            if not isinstance(each, list) or len(each) != size:
                raise invalid_argument(
                    f"Expected a list of {size} at level {level + 1} but got {_describe(each)}"
                )
        elements = list(itertools.chain.from_iterable(elements))
    try:
        return _flat_array(elements, dtype).reshape(shape)
    except ValueError:
        raise invalid_argument(f"Too many dimensions: {len(shape)}") from None


def _flat_array(elements: list[Any], dtype: int) -> Array:
    """A vector of a type from JSON values."""
    name = types_pb2.DataType.Name(dtype).removeprefix("DT_").lower()
    if dtype == types_pb2.DT_STRING:
        strings = np.empty(len(elements), np.object_)
        strings[:] = [_bytes(element) for element in elements]
        return strings
    if dtype in _FLOATS:
        _check_kinds(elements, (float, int), name)
        return _floats(elements, dtype)
    if dtype in _INTEGERS:
        _check_kinds(elements, (int,), name)
        allowed = _INTEGERS[dtype]
        for extreme in (min(elements, default=0), max(elements, default=0)):
            if extreme not in allowed:
                raise invalid_argument(f"{_describe(extreme)} is out of range for type {name}")
        numpy = tf.as_dtype(dtype).as_numpy_dtype
        return np.array(elements, np.int32 if allowed is _INT32 else numpy).astype(numpy)
    if dtype == types_pb2.DT_BOOL:
        _check_kinds(elements, (bool,), name)
        return np.array(elements, np.bool_)
    raise ServingError(
        grpc.StatusCode.UNIMPLEMENTED, f"JSON values cannot be converted to type {name}"
    )


def _floats(elements: list[Any], dtype: int) -> Array:
    try:
        numbers = np.array(elements, np.float64)
    except OverflowError:
        raise invalid_argument("An integer is too large for a floating-point number") from None
    if dtype == types_pb2.DT_DOUBLE:
        return numbers
    if np.any(np.isfinite(numbers) & (np.abs(numbers) > _FLOAT_MAX)):
        raise invalid_argument("A number is too large for type float")
    return numbers.astype(np.float32)


def _check_kinds(elements: list[Any], kinds: tuple[type, ...], name: str) -> None:
    if not set(map(type, elements)) <= set(kinds):
        wrong = next(element for element in elements if type(element) not in kinds)
        raise invalid_argument(f"{_describe(wrong)} is not of expected type: {name}")


def _fill_example(value: Any, example: example_pb2.Example) -> None:
    if not isinstance(value, dict):
        raise invalid_argument(f"Example must be JSON object but got {_describe(value)}")
    for key, content in value.items():
        name = _encode(key).decode()
        feature = example.features.feature[name]
        try:
            _fill_feature(content if isinstance(content, list) else [content], feature)
        except ServingError as error:
            raise invalid_argument(f"Feature {name}: {error.message}") from None


def _fill_feature(values: list[Any], feature: feature_pb2.Feature) -> None:
    elements: list[Any] = []
    for value in values:
        if isinstance(value, bool):
            elements.append(int(value))
        elif isinstance(value, int | float):
            elements.append(value)
        else:
            elements.append(_bytes(value))
    kinds = set(map(type, elements))
    if len(kinds) > 1:
        raise invalid_argument("its elements are not all of one type")
    if kinds == {int} and not all(element in _INTEGERS[types_pb2.DT_INT64] for element in elements):
        raise invalid_argument("an integer is out of range; only int64 is supported")
    for kind in kinds:
        if kind is float:
            elements = _floats(elements, types_pb2.DT_FLOAT).tolist()
        getattr(feature, _FEATURES[kind]).value.extend(elements)


def _is_named(value: Any) -> bool:
    """Whether a value is an object of tensors by name, rather than a tensor itself."""
    return isinstance(value, dict) and not _is_base64(value)


def _is_base64(value: Any) -> bool:
    """Whether a value stands for bytes, as `{"b64": "aGVsbG8="}`."""
    return isinstance(value, dict) and len(value) == 1 and isinstance(value.get("b64"), str)


def _only_input(infos: Infos) -> str:
    if len(infos) > 1:
        raise invalid_argument(
            f"Expected objects with the named inputs {', '.join(sorted(infos))}, since the "
            "signature has several"
        )
    return next(iter(infos))


def _bytes(value: Any) -> bytes:
    """A string in UTF-8, or the bytes of `{"b64": ...}`: white space and no padding are fine."""
    if isinstance(value, str):
        return _encode(value)
    if not _is_base64(value):
        raise invalid_argument(f"{_describe(value)} is not of expected type: string")
    digits = b"".join(_encode(value["b64"]).split())
    if b"=" not in digits:
        digits += b"=" * (-len(digits) % 4)
    try:
        return binascii.a2b_base64(digits, strict_mode=True)
    except binascii.Error:
        raise invalid_argument("Unable to base64 decode") from None


def _encode(text: str) -> bytes:
    try:
        return text.encode()
    except UnicodeEncodeError:
        raise invalid_argument("A string has half of a surrogate pair") from None


def _describe(value: Any) -> str:
    """A value for an error message, however large it is."""
    if isinstance(value, dict):
        return "an object"
    if isinstance(value, list):
        return f"a list of {len(value)}"
    if isinstance(value, str):
        value = value[:_MAX_QUOTED_CHARACTERS]
    return json.dumps(value)[:_MAX_QUOTED_CHARACTERS]


def _finite(digits: str) -> float:
    value = float(digits)
    if math.isinf(value):
        raise ValueError("Number too big to be stored in double.")
    return value


def _first_of_each_name(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) < len(pairs):
        members.update(reversed(pairs))
    return members


_DECODER = json.JSONDecoder(object_pairs_hook=_first_of_each_name, parse_float=_finite)
