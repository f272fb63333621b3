"""Answers to JSON, with the cases of TensorFlow Serving's own json_tensor_test."""

import json

import numpy as np
import pytest
import tensorflow as tf
from google.protobuf import text_format
from tensorflow_serving.apis import classification_pb2, regression_pb2

from serving import tensors
from serving.server.errors import ServingError
from serving.server.rest_api import json_encoding
from serving.server.rest_api.predict_decoding import Format


def encode(form: Format, **arrays) -> str:
    outputs = {
        name: tensors.to_proto(np.asarray(array, np.object_ if name[0] == "s" else None))
        for name, array in arrays.items()
    }
    return json_encoding.predictions(outputs, form).decode()


def test_rows_of_one_tensor_stand_in_a_line():
    text = encode(Format.ROW, i=np.array([[[1, 2], [3, 4]], [[5, 6], [7, 8]]], np.int32))
    assert text == ('{\n    "predictions": [[[1, 2], [3, 4]], [[5, 6], [7, 8]]\n    ]\n}')


def test_columns_of_one_tensor_stand_an_element_a_line():
    text = encode(Format.COLUMNAR, i=np.array([[1], [2]], np.int32))
    assert text == (
        '{\n    "outputs": [\n        [\n            1\n        ],\n        [\n            2\n'
        "        ]\n    ]\n}"
    )


def test_rows_of_several_tensors():
    text = encode(
        Format.ROW,
        s_bytes=[[b"hello", b"\xff"], [b"tf", b""]],
        d=np.array([8.0, 9.5]),
        f=np.array([[1.0], [2.0]], np.float32),
        b=np.array([True, False]),
        s=["\u00e9\n".encode(), b"bar"],
    )
    assert text.startswith(
        '{\n    "predictions": [\n        {\n            "b": true,\n            "d": 8.0,\n'
        '            "f": [1.0],\n            "s": "\u00e9\\n",\n            "s_bytes": [{\n'
        '                    "b64": "aGVsbG8="\n                }, {\n'
    )
    assert json.loads(text)["predictions"] == [
        {
            "b": True,
            "d": 8.0,
            "f": [1.0],
            "s": "\u00e9\n",
            "s_bytes": [{"b64": "aGVsbG8="}, {"b64": "/w=="}],
        },
        {"b": False, "d": 9.5, "f": [2.0], "s": "bar", "s_bytes": [{"b64": "dGY="}, {"b64": ""}]},
    ]


def test_columns_of_several_tensors():
    text = encode(Format.COLUMNAR, a=np.uint64(2**64 - 1), s_bytes=[[b"tf"]])
    assert json.loads(text) == {"outputs": {"a": 2**64 - 1, "s_bytes": [[{"b64": "dGY="}]]}}
    assert text.startswith('{\n    "outputs": {\n        "a": 18446744073709551615,\n')


def test_only_strings_are_bytes():
    assert json.loads(encode(Format.ROW, i_bytes=np.array([1]))) == {"predictions": [1]}


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (9000000, "9e+06"),
        (999999, "999999.0"),
        (0.5, "0.5"),
        (0.0003, "0.0003"),
        (0.00003, "3e-05"),
        (555557.5, "555557.5"),
        (0.1, "0.1"),
        (1 / 3, "0.333333343"),
        (16777216, "16777216.0"),
        (3.4028234663852886e38, "3.40282347e+38"),
        (1.17549435e-38, "1.17549435e-38"),
        (-0.0, "-0.0"),
        (42, "42.0"),
        (np.nan, "NaN"),
        (np.inf, "Infinity"),
        (-np.inf, "-Infinity"),
    ],
)
def test_float32(value, text):
    assert json_encoding.decimals(np.array([value], np.float32)) == [text]


@pytest.mark.parametrize("value", [1e-45, 1e-40])
def test_subnormal_float32(value):
    # How many digits they get depends on whether the thread takes them for zero.
    (text,) = json_encoding.decimals(np.array([value], np.float32))
    assert abs(float(text) - value) <= 2.0**-150


def test_every_decimal_reads_back_the_same():
    bits = np.random.default_rng(1).integers(0, 2**32, 20_000, np.uint32)
    values = bits.view(np.float32)
    read = np.array([np.float32(text) for text in json_encoding.decimals(values)])
    np.testing.assert_array_equal(read, values)
    doubles = np.random.default_rng(2).normal(size=20_000)
    read = np.array([float(text) for text in json_encoding.decimals(doubles)])
    np.testing.assert_array_equal(read, doubles)


def test_float64():
    texts = json_encoding.decimals(np.array([0.25, 0.1, 1 / 3, 2e300, 123456789]))
    assert texts == ["0.25", "0.1", "0.33333333333333331", "2e+300", "123456789.0"]


@pytest.mark.parametrize("dtype", [tf.float16, tf.bfloat16])
def test_small_floats(dtype):
    text = encode(Format.ROW, h=np.array([0.5, 2], dtype.as_numpy_dtype))
    assert json.loads(text) == {"predictions": [0.5, 2.0]}


def test_strings():
    assert json_encoding.string('a"\\/\b\f\n\r\t\x00\x1f\x7f\u00e9') == (
        '"a\\"\\\\/\\b\\f\\n\\r\\t\\u0000\\u001F\x7f\u00e9"'
    )


def test_strings_that_are_no_utf8_go_out_as_they_are():
    outputs = {"s": tensors.to_proto(np.array([b"\xff"], np.object_))}
    assert b'["\xff"' in json_encoding.predictions(outputs, Format.ROW)


def test_no_rows_at_all():
    assert encode(Format.ROW, i=np.zeros((0, 2), np.int32)) == '{\n    "predictions": []\n}'
    both = {"i": np.zeros((0, 2), np.int32), "f": np.zeros((0, 3, 4), np.float32)}
    assert json.loads(encode(Format.ROW, **both)) == {"predictions": []}


def test_rows_of_nothing():
    assert json.loads(encode(Format.ROW, i=np.zeros((2, 0), np.int32))) == {"predictions": [[], []]}
    text = encode(Format.COLUMNAR, i=np.zeros((2, 0), np.int32))
    assert json.loads(text) == {"outputs": [[], []]}


def test_outputs_that_are_no_rows():
    with pytest.raises(ServingError, match="has inconsistent batch size: 1 expecting: 2"):
        encode(Format.ROW, a=np.zeros((2, 3)), b=np.zeros((1, 3)))
    with pytest.raises(ServingError, match="has inconsistent batch size: 1 expecting: 0"):
        encode(Format.ROW, a=np.zeros((0, 3)), b=np.zeros((1, 3)))
    with pytest.raises(ServingError, match="Tensor name: a has no shape information"):
        encode(Format.ROW, a=np.float32(1))
    with pytest.raises(ServingError, match="Cannot convert empty tensor map to JSON"):
        encode(Format.ROW)


def test_types_that_json_has_not():
    with pytest.raises(ServingError) as caught:
        encode(Format.ROW, a=np.zeros(2, np.complex64))
    assert str(caught.value) == (
        "INVALID_ARGUMENT: Failed to write JSON value for tensor type: complex64"
    )


def test_classifications():
    result = text_format.Parse(
        """classifications { classes { label: "car" score: 0.2 }
                             classes { label: "bike" score: 0.7 } }
           classifications { classes { score: nan } }""",
        classification_pb2.ClassificationResult(),
    )
    assert json_encoding.classifications(result).decode() == (
        '{\n    "results": [[["car", 0.2], ["bike", 0.7]], [["", NaN]]\n    ]\n}'
    )
    with pytest.raises(ServingError, match="Cannot convert empty ClassificationResults to JSON"):
        json_encoding.classifications(classification_pb2.ClassificationResult())


def test_regressions():
    result = regression_pb2.RegressionResult()
    for value in (0.2, np.inf, 1, -np.inf, np.nan):
        result.regressions.add(value=value)
    assert json_encoding.regressions(result).decode() == (
        '{\n    "results": [0.2, Infinity, 1.0, -Infinity, NaN]\n}'
    )
    with pytest.raises(ServingError, match="Cannot convert empty RegressionResults to JSON"):
        json_encoding.regressions(regression_pb2.RegressionResult())


def test_errors():
    assert json_encoding.error('Bad key: "key"') == (b'{\n    "error": "Bad key: \\"key\\""\n}')
    assert json.loads(json_encoding.error("half a pair: \ud800")) == {"error": "half a pair: ?"}
