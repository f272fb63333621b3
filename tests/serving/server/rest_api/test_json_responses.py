"""Answers to JSON, with the cases of TensorFlow Serving's own json_tensor_test."""

import json

import numpy as np
import pytest
import tensorflow as tf
from google.protobuf import text_format
from tensorflow_serving.apis import classification_pb2, regression_pb2

from serving.server.errors import ServingError
from serving.server.rest_api import json_responses
from serving.server.rest_api.json_requests import Format


def encode(form: Format, **arrays) -> str:
    outputs = {
        name: np.asarray(array, np.object_ if name[0] == "s" else None)
        for name, array in arrays.items()
    }
    return json_responses.predictions(outputs, form).decode()


def test_rows_and_columns_of_one_tensor():
    numbers = [[[1, 2], [3, 4]], [[5, 6], [7, 8]]]
    assert json.loads(encode(Format.ROW, i=np.int32(numbers))) == {"predictions": numbers}
    assert json.loads(encode(Format.COLUMNAR, i=np.int32(numbers))) == {"outputs": numbers}
    assert json.loads(encode(Format.COLUMNAR, i=np.int64(7))) == {"outputs": 7}


def test_rows_of_several_tensors():
    text = encode(
        Format.ROW,
        s_bytes=[[b"hello", b"\xff"], [b"tf", b""]],
        d=np.array([8.0, 9.5]),
        f=np.array([[1.0], [2.0]], np.float32),
        b=np.array([True, False]),
        s=["\u00e9\n".encode(), b"bar"],
    )
    assert '"d": 8.0' in text
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


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (34, "34.0"),
        (0.00003, "3e-05"),
        (1 / 3, "0.33333334"),
        (3.4028234663852886e38, "3.4028235e+38"),
        (-0.0, "-0.0"),
        (np.nan, "NaN"),
        (np.inf, "Infinity"),
        (-np.inf, "-Infinity"),
    ],
)
def test_float32_has_its_shortest_digits(value, text):
    assert encode(Format.ROW, f=np.float32([value])) == f'{{"predictions": [{text}]}}'


def test_every_float_reads_back_the_same():
    bits = np.random.default_rng(1).integers(0, 2**32, 20_000, np.uint32)
    for values in (bits.view(np.float32), np.random.default_rng(2).normal(size=20_000)):
        read = json.loads(encode(Format.ROW, f=values))["predictions"]
        np.testing.assert_array_equal(np.array(read).astype(values.dtype), values)


def test_float64_and_small_floats():
    texts = encode(Format.ROW, d=np.array([0.25, 1 / 3, 2e300, 123456789]))
    assert texts == '{"predictions": [0.25, 0.3333333333333333, 2e+300, 123456789.0]}'
    for dtype in (tf.float16, tf.bfloat16):
        text = encode(Format.ROW, h=np.array([0.5, 2], dtype.as_numpy_dtype))
        assert text == '{"predictions": [0.5, 2.0]}'


def test_strings_that_are_no_utf8_go_out_as_they_are():
    outputs = {"s": np.array([b"\xff"], np.object_)}
    assert b'["\xff"' in json_responses.predictions(outputs, Format.ROW)


def test_no_rows_and_rows_of_nothing():
    both = {"i": np.zeros((0, 2), np.int32), "f": np.zeros((0, 3, 4), np.float32)}
    assert json.loads(encode(Format.ROW, **both)) == {"predictions": []}
    assert json.loads(encode(Format.ROW, i=np.zeros((2, 0)))) == {"predictions": [[], []]}
    assert json.loads(encode(Format.COLUMNAR, i=np.zeros((2, 0)))) == {"outputs": [[], []]}


@pytest.mark.parametrize(
    "outputs",
    [
        {"a": np.zeros((2, 3)), "b": np.zeros((1, 3))},
        {"a": np.float32(1)},
        {"a": np.zeros(2, np.complex64)},
        {},
    ],
)
def test_outputs_that_cannot_be_rows(outputs):
    with pytest.raises(ServingError, match="INVALID_ARGUMENT"):
        encode(Format.ROW, **outputs)


def test_classifications_and_regressions():
    classes = text_format.Parse(
        """classifications { classes { label: "car" score: 0.2 }
                             classes { label: "bike" score: 0.7 } }
           classifications { classes { score: nan } }""",
        classification_pb2.ClassificationResult(),
    )
    assert json_responses.classifications(classes).decode() == (
        '{"results": [[["car", 0.2], ["bike", 0.7]], [["", NaN]]]}'
    )
    numbers = regression_pb2.RegressionResult()
    for value in (0.2, np.inf, 1):
        numbers.regressions.add(value=value)
    assert json_responses.regressions(numbers).decode() == '{"results": [0.2, Infinity, 1.0]}'


def test_errors():
    assert json.loads(json_responses.error('Bad "key"')) == {"error": 'Bad "key"'}
    assert json.loads(json_responses.error("half a pair: \ud800")) == {"error": "half a pair: ?"}
