"""Answers as JSON, to the letter as the original lays them out.

Rows of an answer stand in one line each, since lists there are written in a single line; the list
of all rows nevertheless closes on a line of its own.
"""

import base64
import math
import re
from collections.abc import Mapping, Sequence

import numpy as np
from tensorflow.core.framework import tensor_pb2, types_pb2
from tensorflow_serving.apis import classification_pb2, regression_pb2

from serving import tensors
from serving.server.errors import invalid_argument
from serving.server.rest_api.json_decoding import type_name
from serving.server.rest_api.predict_decoding import Format
from serving.tensors import Array

_INDENT = "    "
_BYTES_SUFFIX = "_bytes"
_ESCAPED = re.compile(r'[\x00-\x1f"\\]')
_ESCAPES = {
    '"': '\\"',
    "\\": "\\\\",
    "\b": "\\b",
    "\f": "\\f",
    "\n": "\\n",
    "\r": "\\r",
    "\t": "\\t",
}
_NOT_FINITE = {"nan": "NaN", "inf": "Infinity", "-inf": "-Infinity"}
_DECIMALS = (types_pb2.DT_FLOAT, types_pb2.DT_DOUBLE, types_pb2.DT_HALF, types_pb2.DT_BFLOAT16)
_INTEGERS = (
    types_pb2.DT_INT8,
    types_pb2.DT_INT16,
    types_pb2.DT_INT32,
    types_pb2.DT_INT64,
    types_pb2.DT_UINT8,
    types_pb2.DT_UINT16,
    types_pb2.DT_UINT32,
    types_pb2.DT_UINT64,
)


def predictions(outputs: Mapping[str, tensor_pb2.TensorProto], form: Format) -> bytes:
    """The answer to a Predict, in the format of its request.

    Args:
        outputs: the tensors by name, shaped [batch, ...] for `Format.ROW`.
        form: rows or columns.

    Raises:
        ServingError: `INVALID_ARGUMENT` for no outputs, outputs of different batch sizes in rows,
            or a type that JSON cannot express.
    """
    if not outputs:
        raise invalid_argument("Cannot convert empty tensor map to JSON")
    text = _rows(outputs) if form is Format.ROW else _columns(outputs)
    return to_bytes(text)


def classifications(result: classification_pb2.ClassificationResult) -> bytes:
    """The answer to a Classify; `INVALID_ARGUMENT` for none at all."""
    if not result.classifications:
        raise invalid_argument("Cannot convert empty ClassificationResults to JSON")
    rows = []
    for one in result.classifications:
        scores = decimals(np.array([each.score for each in one.classes], np.float32))
        pairs = [
            f"[{string(each.label)}, {score}]"
            for each, score in zip(one.classes, scores, strict=True)
        ]
        rows.append(f"[{', '.join(pairs)}]")
    return to_bytes(_object([("results", f"[{', '.join(rows)}\n{_INDENT}]")], 0))


def regressions(result: regression_pb2.RegressionResult) -> bytes:
    """The answer to a Regress; `INVALID_ARGUMENT` for none at all."""
    if not result.regressions:
        raise invalid_argument("Cannot convert empty RegressionResults to JSON")
    values = decimals(np.array([each.value for each in result.regressions], np.float32))
    return to_bytes(_object([("results", f"[{', '.join(values)}]")], 0))


def error(message: str) -> bytes:
    """What a request is told that failed."""
    text = _object([("error", string(message))], 0)
    try:
        return to_bytes(text)
    except UnicodeEncodeError:  # the message quotes half a surrogate pair
        return text.encode(errors="replace")


def decimals(values: Array) -> list[str]:
    """Floating-point numbers, in six digits or, if these do not read back the same, in all.

    Args:
        values: float32 or float64, of any shape.
    """
    flat = values.reshape(-1)
    numbers = flat.tolist()
    texts = ["%g" % number for number in numbers]  # noqa: UP031 - f-strings are slower
    digits, bits = (9, np.uint32) if flat.dtype == np.float32 else (17, np.uint64)
    read = np.array([float(text) for text in texts]).astype(flat.dtype)
    # By their bits, since threads that TensorFlow has set up take subnormal numbers for zero.
    for index in np.flatnonzero(read.view(bits) != flat.view(bits)).tolist():
        texts[index] = f"{numbers[index]:.{digits}g}"
    return [_decimal(text) for text in texts]


def string(text: str) -> str:
    """A string in quotes, with the escapes that JSON demands."""
    return f'"{_ESCAPED.sub(_escape, text)}"'


def to_bytes(text: str) -> bytes:
    """A document in UTF-8; bytes that were none stay as they are."""
    return text.encode("utf-8", "surrogateescape")


def _rows(outputs: Mapping[str, tensor_pb2.TensorProto]) -> str:
    batch = -1
    for name, tensor in outputs.items():
        if not tensor.tensor_shape.dim:
            raise invalid_argument(f"Tensor name: {name} has no shape information ")
        size = tensor.tensor_shape.dim[0].size
        if batch >= 0 and size != batch:
            raise invalid_argument(
                f"Tensor name: {name} has inconsistent batch size: {size} expecting: {batch}"
            )
        batch = size
    names = sorted(outputs)
    named = len(names) > 1
    level = 3 if named else 2  # brackets open around an element: document, list, named row
    columns = [_row_values(name, outputs[name], level) for name in names]
    if not batch:
        rows = "[]"
    elif named:
        objects = [
            _INDENT * 2 + _object(list(zip(names, row, strict=True)), 2)
            for row in zip(*columns, strict=True)
        ]
        rows = "[\n" + ",\n".join(objects) + f"\n{_INDENT}]"
    else:
        rows = f"[{', '.join(columns[0])}\n{_INDENT}]"
    return _object([("predictions", rows)], 0)


def _row_values(name: str, tensor: tensor_pb2.TensorProto, level: int) -> list[str]:
    """The text of each example of a tensor."""
    array = tensors.from_proto(tensor)
    texts = _elements(name, tensor.dtype, array, level + array.ndim - 1)
    return _nest(texts, array.shape, 1, level, one_line=True)


def _columns(outputs: Mapping[str, tensor_pb2.TensorProto]) -> str:
    names = sorted(outputs)
    level = 2 if len(names) > 1 else 1
    texts = []
    for name in names:
        array = tensors.from_proto(outputs[name])
        elements = _elements(name, outputs[name].dtype, array, level + array.ndim)
        texts += _nest(elements, array.shape, 0, level, one_line=False)
    if len(names) > 1:
        return _object([("outputs", _object(list(zip(names, texts, strict=True)), 1))], 0)
    return _object([("outputs", texts[0])], 0)


def _elements(name: str, dtype: int, array: Array, level: int) -> list[str]:
    """The text of each element; `level` brackets are open around it."""
    flat = array.reshape(-1)
    if dtype in _DECIMALS:
        return decimals(flat if flat.dtype == np.float64 else flat.astype(np.float32))
    if dtype in _INTEGERS:
        return [str(value) for value in flat.tolist()]
    if dtype == types_pb2.DT_BOOL:
        return ["true" if value else "false" for value in flat.tolist()]
    if dtype != types_pb2.DT_STRING:
        raise invalid_argument(f"Failed to write JSON value for tensor type: {type_name(dtype)}")
    if name.endswith(_BYTES_SUFFIX):
        return [
            _object([("b64", string(base64.b64encode(value).decode()))], level)
            for value in flat.tolist()
        ]
    return [string(value.decode("utf-8", "surrogateescape")) for value in flat.tolist()]


def _nest(
    texts: Sequence[str], shape: Sequence[int], first: int, level: int, *, one_line: bool
) -> list[str]:
    """Puts brackets around the axes from `first` on.

    Args:
        texts: an element each.
        shape: of the whole tensor; the texts fill it.
        first: the outermost axis to put into brackets.
        level: brackets that are open around that axis.
        one_line: rather than an element a line.

    Returns:
        A text for each index of the axes before `first`.
    """
    for axis in range(len(shape) - 1, first - 1, -1):
        size = shape[axis]
        opening, separator, closing = "[", ", ", "]"
        if size and not one_line:
            outer = "\n" + _INDENT * (level + axis - first)
            opening, separator, closing = f"[{outer}{_INDENT}", f",{outer}{_INDENT}", f"{outer}]"
        texts = [
            opening + separator.join(texts[index * size : (index + 1) * size]) + closing
            for index in range(math.prod(shape[:axis]))
        ]
    return list(texts)


def _object(members: Sequence[tuple[str, str]], level: int) -> str:
    """An object, a member a line; `level` brackets are open around it."""
    inner = _INDENT * (level + 1)
    lines = ",\n".join(f"{inner}{string(name)}: {text}" for name, text in members)
    return f"{{\n{lines}\n{_INDENT * level}}}"


def _decimal(text: str) -> str:
    if text in _NOT_FINITE:
        return _NOT_FINITE[text]
    return text if "." in text or "e" in text else text + ".0"


def _escape(match: re.Match[str]) -> str:
    character = match[0]
    return _ESCAPES.get(character) or f"\\u{ord(character):04X}"
