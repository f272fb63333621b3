"""Answers as JSON.

Floats keep their point (`34.0`) and have the fewest digits that read back as the same number of
their own type; NaN and infinities are bare words; outputs named `*_bytes` are base64.
"""

import base64
import json
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
from tensorflow_serving.apis import classification_pb2, regression_pb2

from serving.server.errors import invalid_argument
from serving.server.rest_api.json_requests import Format
from serving.tensors import Array

_BYTES_SUFFIX = "_bytes"


def predictions(outputs: Mapping[str, Array], form: Format) -> bytes:
    """The answer to a Predict in the format of its request; rows need outputs [batch, ...].

    `INVALID_ARGUMENT` for no outputs, outputs of different batch sizes in rows, or a type that JSON
    cannot express.
    """
    if not outputs:
        raise invalid_argument("Cannot convert empty tensor map to JSON")
    if form is Format.ROW and len({value.shape[:1] for value in outputs.values()} - {()}) != 1:
        raise invalid_argument("Outputs have different batch sizes: ask for columns by 'inputs'")
    if form is Format.ROW and any(value.ndim == 0 for value in outputs.values()):
        raise invalid_argument("An output has no batch dimension: ask for columns by 'inputs'")
    columns = {name: _values(name, outputs[name]) for name in sorted(outputs)}
    if form is Format.COLUMNAR:
        return encode({"outputs": columns if len(columns) > 1 else next(iter(columns.values()))})
    if len(columns) == 1:
        return encode({"predictions": next(iter(columns.values()))})
    rows = zip(*columns.values(), strict=True)
    return encode({"predictions": [dict(zip(columns, row, strict=True)) for row in rows]})


def classifications(result: classification_pb2.ClassificationResult) -> bytes:
    """The answer to a Classify: pairs of label and score."""
    rows = []
    for one in result.classifications:
        scores = _shortest([each.score for each in one.classes])
        labels = [each.label for each in one.classes]
        rows.append([list(pair) for pair in zip(labels, scores, strict=True)])
    return encode({"results": rows})


def regressions(result: regression_pb2.RegressionResult) -> bytes:
    """The answer to a Regress: a number for each example."""
    return encode({"results": _shortest([each.value for each in result.regressions])})


def encode(document: Any) -> bytes:
    """A document in UTF-8; bytes of strings that were no UTF-8 stay as they are."""
    text = json.dumps(document, ensure_ascii=False)
    return text.encode("utf-8", "surrogateescape")


def error(message: str) -> bytes:
    """The answer to a request that failed."""
    return encode({"error": message.encode(errors="replace").decode()})


def _values(name: str, array: Array) -> Any:
    """A tensor as nested lists of JSON values."""
    kind = array.dtype.kind
    if kind == "O":
        if name.endswith(_BYTES_SUFFIX):
            flat = [{"b64": base64.b64encode(value).decode()} for value in array.flat]
        else:
            flat = [value.decode("utf-8", "surrogateescape") for value in array.flat]
        values = np.empty(array.shape, np.object_)
        values.reshape(-1)[:] = flat
        return values.tolist()
    if kind in "biu" or array.dtype == np.float64:
        return array.tolist()
    if kind == "c":
        raise invalid_argument(f"Output {name} of type {array.dtype} cannot be written as JSON")
    return _shortest(array)


def _shortest(values: npt.ArrayLike) -> Any:
    """Numbers that Python writes with the digits of the float32 numbers next to `values`."""
    return np.asarray(values, np.float32).astype(np.str_).astype(np.float64).tolist()
