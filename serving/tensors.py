"""TensorProto to NumPy and back, as TensorFlow's C++ `Tensor::FromProto` and `AsProtoField` do it.

`tf.make_ndarray` is laxer (it believes any claimed shape) and knows no packed strings, and
`tf.make_tensor_proto` answers in `tensor_content`, which the real server does not by default.
"""

import math
from typing import Any

import numpy as np
import numpy.typing as npt
import tensorflow as tf
from tensorflow.core.framework import tensor_pb2, types_pb2

Array = npt.NDArray[Any]

# No message can carry more.
_MAX_TENSOR_BYTES = 2**31 - 1
# A few bytes may claim any shape, the last value being repeated: that far, and no farther.
_MAX_REPEATED_BYTES = 2**28
_STRING_HEADER_BYTES = 24

# Repeated field of each type, and the type of the field's own elements.
_FIELDS: dict[int, tuple[str, Any]] = {
    types_pb2.DT_FLOAT: ("float_val", np.float32),
    types_pb2.DT_DOUBLE: ("double_val", np.float64),
    types_pb2.DT_HALF: ("half_val", np.uint16),
    types_pb2.DT_BFLOAT16: ("half_val", np.uint16),
    types_pb2.DT_INT8: ("int_val", np.int32),
    types_pb2.DT_INT16: ("int_val", np.int32),
    types_pb2.DT_INT32: ("int_val", np.int32),
    types_pb2.DT_UINT8: ("int_val", np.int32),
    types_pb2.DT_UINT16: ("int_val", np.int32),
    types_pb2.DT_INT64: ("int64_val", np.int64),
    types_pb2.DT_UINT32: ("uint32_val", np.uint32),
    types_pb2.DT_UINT64: ("uint64_val", np.uint64),
    types_pb2.DT_BOOL: ("bool_val", np.bool_),
    types_pb2.DT_COMPLEX64: ("scomplex_val", np.float32),
    types_pb2.DT_COMPLEX128: ("dcomplex_val", np.float64),
    types_pb2.DT_STRING: ("string_val", np.object_),
}
_DTYPES = {number: np.dtype(tf.as_dtype(number).as_numpy_dtype) for number in _FIELDS}
# Fields that hold the bits of the value, or its parts, rather than the value.
_REINTERPRETED = {
    types_pb2.DT_HALF,
    types_pb2.DT_BFLOAT16,
    types_pb2.DT_COMPLEX64,
    types_pb2.DT_COMPLEX128,
}


def from_proto(proto: tensor_pb2.TensorProto) -> Array:
    """The array that a TensorProto stands for; strings become an object array of bytes.

    A list of values shorter than the shape repeats its last value (or zero, if there is none), a
    longer one is cut off. The array may be read-only.

    Raises:
        ValueError: unknown type, unknown or negative dimensions, content that does not fit the
            shape, a shape that no message could fill, or values too few for a large one.
    """
    if proto.dtype not in _FIELDS:
        raise ValueError(f"unsupported type {proto.dtype}")
    shape = tuple(dimension.size for dimension in proto.tensor_shape.dim)
    if proto.tensor_shape.unknown_rank or any(size < 0 for size in shape):
        raise ValueError("the shape is not fully known")
    count = math.prod(shape)
    is_string = proto.dtype == types_pb2.DT_STRING
    dtype = _DTYPES[proto.dtype]
    if count * (_STRING_HEADER_BYTES if is_string else dtype.itemsize) > _MAX_TENSOR_BYTES:
        raise ValueError(f"shape {shape} is larger than any message")
    content = proto.tensor_content
    if not content:
        flat = _from_field(proto, dtype, count)
    elif is_string:
        flat = _unpack_strings(proto, count)
    elif len(content) == count * dtype.itemsize:
        flat = np.frombuffer(content, dtype)
    else:
        raise ValueError(f"{len(content)} bytes of content for {count} elements of {dtype}")
    return flat.reshape(shape)


def to_proto(array: Array, *, as_content: bool = False) -> tensor_pb2.TensorProto:
    """The TensorProto of an array (object and bytes arrays are strings) of a TensorFlow type.

    `as_content` packs numbers into `tensor_content` (smaller and faster) instead of the typed
    field. Strings always go to `string_val`.
    """
    proto = tensor_pb2.TensorProto()
    fill_proto(proto, array, as_content=as_content)
    return proto


def fill_proto(proto: tensor_pb2.TensorProto, array: Array, *, as_content: bool = False) -> None:
    """Makes an empty TensorProto, that of a response for one, what `to_proto` would return."""
    if array.dtype.kind in "OSU":
        dtype = types_pb2.DT_STRING
        array = array.astype(np.object_, copy=False)
    else:
        dtype = tf.as_dtype(array.dtype).as_datatype_enum
    proto.dtype = dtype
    proto.tensor_shape.SetInParent()
    for size in array.shape:
        proto.tensor_shape.dim.add(size=size)
    field, element = _FIELDS[dtype]
    if as_content and dtype != types_pb2.DT_STRING:
        proto.tensor_content = array.tobytes()
        return
    if dtype == types_pb2.DT_STRING:
        values = [value.encode() if isinstance(value, str) else value for value in array.flat]
    elif dtype in _REINTERPRETED:
        values = np.ascontiguousarray(array).reshape(-1).view(element).tolist()
    else:
        values = array.reshape(-1).tolist()
    getattr(proto, field).extend(values)


def _from_field(proto: tensor_pb2.TensorProto, dtype: np.dtype[Any], count: int) -> Array:
    field, element = _FIELDS[proto.dtype]
    values = getattr(proto, field)
    if proto.dtype == types_pb2.DT_STRING:
        given = np.empty(len(values), np.object_)
        given[:] = values
        zero: Any = b""
        repeated_bytes = _STRING_HEADER_BYTES + (len(values[-1]) if len(values) else 0)
    else:
        given = np.fromiter(values, element, len(values))
        if proto.dtype in _REINTERPRETED:
            if given.nbytes % dtype.itemsize:
                raise ValueError("half a complex number")
            given = given.view(dtype)
        else:
            given = given.astype(dtype, copy=False)
        zero = np.zeros((), dtype)[()]
        repeated_bytes = dtype.itemsize
    if len(given) >= count:
        return given[:count]
    if repeated_bytes * (count - len(given)) > _MAX_REPEATED_BYTES:
        raise ValueError(f"{len(given)} values for {count} elements, too many to repeat the last")
    rest = np.empty(count - len(given), dtype)
    rest[:] = given[-1] if len(given) else zero
    return np.concatenate([given, rest])


def _unpack_strings(proto: tensor_pb2.TensorProto, count: int) -> Array:
    """The strings that `tensor_content` holds: their lengths as varints, then their bytes."""
    if count > len(proto.tensor_content):  # each has a byte of length at least
        raise ValueError(f"{len(proto.tensor_content)} bytes of content for {count} strings")
    try:
        strings: Array = tf.io.parse_tensor(proto.SerializeToString(), tf.string).numpy()
    except tf.errors.InvalidArgumentError:
        raise ValueError(f"the content is not that of {count} strings") from None
    return strings
