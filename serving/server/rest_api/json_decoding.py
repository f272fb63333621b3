"""JSON values to tensors: elements of every type, and nested lists."""

import binascii
import math
from collections.abc import Callable
from typing import Any

import grpc
import numpy as np
import tensorflow as tf
from tensorflow.core.framework import tensor_pb2, types_pb2

from serving import tensors
from serving.server.errors import ServingError, invalid_argument
from serving.server.rest_api.json_text import encode, is_base64, number, type_text, value_text

Element = int | float | bytes
Converter = Callable[[Any], Element]

_FLOAT_MAX = float(np.finfo(np.float32).max)
# The integers up to which no two have the same floating-point value.
_FLOAT_MAX_INTEGER = 2**24 - 1
_DOUBLE_MAX_INTEGER = 2**53 - 1
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


class TensorBuilder:
    """A tensor that is filled from JSON, value by value, all of one shape.

    Args:
        dtype: the tensor's type, as in types.proto.
    """

    def __init__(self, dtype: int) -> None:
        self._dtype = dtype
        self._convert = converter(dtype)
        self._elements: list[Element] = []
        self._shape: list[int] | None = None

    def add(self, value: Any) -> None:
        """Appends a scalar or nested lists.

        Raises:
            ServingError: `INVALID_ARGUMENT` for lists of different lengths, for elements that the
                type has not, or for another shape than that of the values before;
                `UNIMPLEMENTED` for a type that JSON cannot express.
        """
        shape = _shape(value)
        before = len(self._elements)
        self._fill(value, 0, shape)
        if self._shape is None:
            self._shape = shape
            return
        expected, size = math.prod(self._shape), len(self._elements) - before
        if size != expected:
            raise invalid_argument(f"Expecting tensor size: {expected} but got: {size}")
        if shape != self._shape:
            raise invalid_argument(
                f"Expecting shape {_shape_text(self._shape)} but got: {_shape_text(shape)}"
            )

    def build(self, *batch: int) -> tensor_pb2.TensorProto:
        """The tensor, of the shape `[*batch, *shape of each value]`."""
        if self._dtype == types_pb2.DT_STRING:
            array = np.empty(len(self._elements), np.object_)
            array[:] = self._elements
        else:
            dtype = tf.as_dtype(self._dtype).as_numpy_dtype
            wide = np.int32 if _INTEGERS.get(self._dtype) is _INT32 else dtype
            array = np.array(self._elements, wide).astype(dtype, copy=False)
        proto = tensors.to_proto(array, as_content=True)
        del proto.tensor_shape.dim[:]
        for size in (*batch, *(self._shape or ())):
            proto.tensor_shape.dim.add(size=size)
        return proto

    def _fill(self, value: Any, level: int, shape: list[int]) -> None:
        if not isinstance(value, list):
            if level != len(shape):
                raise invalid_argument(
                    f"JSON Value: {value_text(value)} found at incorrect level: {level + 1} "
                    f"in the JSON DOM. Expected at level: {len(shape)}"
                )
            self._elements.append(self._convert(value))
            return
        if level >= len(shape):
            raise invalid_argument(
                f"Encountered list at unexpected level: {level} expected < {len(shape)}"
            )
        if len(value) != shape[level]:
            raise invalid_argument(
                f"Encountered list at unexpected size: {len(value)} at level: {level} "
                f"expected size: {shape[level]}"
            )
        if level == len(shape) - 1 and self._all_fit(value):
            self._elements += value
            return
        for inner in value:
            self._fill(inner, level + 1, shape)

    def _all_fit(self, values: list[Any]) -> bool:
        """Whether all are numbers that need no further look, as those of most requests."""
        kinds = set(map(type, values))
        if kinds == {float}:
            if self._dtype == types_pb2.DT_FLOAT:
                # False if the first is NaN: no harm, they are then looked at one by one.
                return max(map(abs, values)) <= _FLOAT_MAX
            return self._dtype == types_pb2.DT_DOUBLE
        allowed = _INTEGERS.get(self._dtype, range(0))
        return kinds == {int} and min(values) in allowed and max(values) in allowed


def converter(dtype: int) -> Converter:
    """What turns a JSON value into an element of a tensor of a type.

    Args:
        dtype: the tensor's type, as in types.proto.

    Returns:
        A function that raises ServingError for a value that is not of the type, or that the type
        could not hold without a loss.
    """
    name = type_name(dtype)
    integers = _INTEGERS.get(dtype, range(0))

    def to_integer(value: Any) -> Element:
        if type(value) is int and value in integers:
            return value
        raise _type_error(value, name)

    def to_bool(value: Any) -> Element:
        if isinstance(value, bool):
            return value
        raise _type_error(value, name)

    def to_bytes(value: Any) -> Element:
        if isinstance(value, str):
            return encode(value)
        if isinstance(value, dict):
            return decode_base64(value)
        raise _type_error(value, name)

    def to_float(value: Any) -> Element:
        numeric = number(value)
        if numeric is None:
            raise _type_error(value, name)
        return to_float32(numeric)

    def to_double(value: Any) -> Element:
        numeric = number(value)
        if numeric is None:
            raise _type_error(value, name)
        if isinstance(numeric, int) and abs(numeric) > _DOUBLE_MAX_INTEGER:
            raise _lossy(numeric, "double")
        return numeric

    def refuse(value: Any) -> Element:
        if isinstance(value, dict):
            raise _type_error(value, name)
        raise ServingError(
            grpc.StatusCode.UNIMPLEMENTED,
            f"Conversion of JSON Value: {value_text(value)} to type: {name}",
        )

    others = {
        types_pb2.DT_BOOL: to_bool,
        types_pb2.DT_STRING: to_bytes,
        types_pb2.DT_FLOAT: to_float,
        types_pb2.DT_DOUBLE: to_double,
    }
    return to_integer if dtype in _INTEGERS else others.get(dtype, refuse)


def to_float32(value: int | float) -> int | float:
    """A number that float32 can hold; `INVALID_ARGUMENT` for one too large for it."""
    if isinstance(value, int):
        fits = abs(value) <= _FLOAT_MAX_INTEGER
    else:
        fits = abs(value) <= _FLOAT_MAX or not math.isfinite(value)
    if not fits:
        raise _lossy(value, "float")
    return value


def decode_base64(value: dict[str, Any]) -> bytes:
    """The bytes of `{"b64": ...}`, white space and missing padding allowed."""
    if not is_base64(value):
        raise invalid_argument(
            f"JSON Value: {value_text(value)} not formatted correctly for base64 data"
        )
    digits = b"".join(encode(value["b64"]).split())
    if b"=" not in digits:
        digits += b"=" * (-len(digits) % 4)
    try:
        return binascii.a2b_base64(digits, strict_mode=True)
    except binascii.Error:
        raise invalid_argument("Unable to base64 decode") from None


def type_name(dtype: int) -> str:
    """TensorFlow's short name of a type, such as `float`."""
    name = str(tf.as_dtype(dtype).name)
    return {"float32": "float", "float64": "double", "float16": "half"}.get(name, name)


def _shape(value: Any) -> list[int]:
    """The lengths of the first list of each level."""
    shape = []
    while isinstance(value, list):
        shape.append(len(value))
        if not value:
            break
        value = value[0]
    return shape


def _shape_text(shape: list[int]) -> str:
    return f"[{','.join(map(str, shape))}]"


def _type_error(value: Any, expected: str) -> ServingError:
    return invalid_argument(
        f"JSON Value: {value_text(value)} Type: {type_text(value)} "
        f"is not of expected type: {expected}"
    )


def _lossy(value: int | float, target: str) -> ServingError:
    return invalid_argument(
        f"Cannot convert JSON value: {value_text(value)} to {target} without loss of precision."
    )
