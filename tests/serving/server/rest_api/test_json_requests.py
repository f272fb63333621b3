"""JSON bodies to tensors and tf.Examples, with the cases of the original's json_tensor_test."""

import numpy as np
import pytest
from tensorflow.core.framework import types_pb2
from tensorflow.core.protobuf import meta_graph_pb2
from tensorflow_serving.apis import input_pb2

from serving.server.errors import ServingError
from serving.server.rest_api.json_requests import Format, decode_predict, fill_examples, parse

INT, FLOAT, DOUBLE, STRING = (
    types_pb2.DT_INT32,
    types_pb2.DT_FLOAT,
    types_pb2.DT_DOUBLE,
    types_pb2.DT_STRING,
)


def decode(text: str | bytes, **types: int):
    """The tensors of a Predict, and the format, for inputs of the types."""
    infos = {name: meta_graph_pb2.TensorInfo(dtype=dtype) for name, dtype in types.items()}
    return decode_predict(parse(text.encode() if isinstance(text, str) else text), infos)


def decoded(text: str | bytes, dtype: int) -> np.ndarray:
    """The only tensor."""
    values, _ = decode(text, x=dtype)
    return values["x"]


def failure(text: str | bytes, **types: int) -> str:
    with pytest.raises(ServingError) as caught:
        decode(text, **types)
    assert caught.value.code.name == "INVALID_ARGUMENT"
    return caught.value.message


@pytest.mark.parametrize(("dtype", "numpy"), [(FLOAT, np.float32), (DOUBLE, np.float64)])
def test_floats_may_be_written_as_whole_numbers_of_any_size(dtype, numpy):
    numbers = [1, 2.0, 5.003, -0.5e1, 0, 16777217, 9007199254740993, -(2**63), 2**64 - 1, 10**20]
    values = decoded(f'{{"instances": {numbers}}}', dtype)
    assert values.dtype == numpy
    np.testing.assert_array_equal(values, np.array(numbers, np.float64).astype(numpy))


@pytest.mark.parametrize(
    ("dtype", "value"),
    [
        (types_pb2.DT_UINT8, 255),
        (types_pb2.DT_INT16, -32768),
        (types_pb2.DT_INT64, -(2**63)),
        (types_pb2.DT_UINT64, 2**64 - 1),
    ],
)
def test_every_integer_type_has_its_range(dtype, value):
    assert decoded(f'{{"inputs": [{value}, 1]}}', dtype).tolist() == [value, 1]
    over = 2**64 if value > 0 else -(2**63) - 1
    assert "out of range" in failure(f'{{"inputs": [{over}]}}', x=dtype)
    assert "not of expected type" in failure('{"inputs": [1.0]}', x=dtype)
    assert "not of expected type" in failure('{"inputs": [true]}', x=dtype)


def test_strings_and_base64():
    elements = r'"caf\u00e9", {"b64": "aGVsbG8="}, {"b64": "aGVs\nbG8"}, "\ud83d\ude00"'
    expected = ["café".encode(), b"hello", b"hello", "😀".encode()]
    assert decoded(f'{{"instances": [{elements}]}}', STRING).tolist() == expected
    for digits in ("!", "aGVs=bG8=", "a", "aGVsbG8=="):
        words = failure(f'{{"inputs": {{"b64": "{digits}"}}}}', x=STRING)
        assert "Unable to base64 decode" in words


def test_named_rows_of_several_types():
    values, form = decode(
        """{"instances": [
            {"i": [[1,2],[3,4],[5,6]], "s": ["foo", {"b64": "YmFy"}], "f": [1.0, NaN], "d": NaN},
            {"i": [[7,8],[9,0],[1,2]], "s": ["baz", "bat"], "f": [2.0, Infinity], "d": 2.0}
        ]}""",
        i=INT,
        s=STRING,
        f=FLOAT,
        d=DOUBLE,
    )
    assert form is Format.ROW
    assert values["i"].tolist() == [[[1, 2], [3, 4], [5, 6]], [[7, 8], [9, 0], [1, 2]]]
    assert values["s"].tolist() == [[b"foo", b"bar"], [b"baz", b"bat"]]
    np.testing.assert_array_equal(values["f"], [[1, np.nan], [2, np.inf]])
    np.testing.assert_array_equal(values["d"], [np.nan, 2])


@pytest.mark.parametrize(
    "text", ['{"inputs": {"x": [[[1,2],[3,4]]]}}', '{"inputs": [[[1,2],[3,4]]]}']
)
def test_columns_of_one_input_with_and_without_its_name(text):
    values, form = decode(text, x=INT)
    assert values["x"].tolist() == [[[1, 2], [3, 4]]]
    assert form is Format.COLUMNAR


def test_empty_lists_keep_their_shape():
    assert decoded('{"inputs": [[], []]}', FLOAT).shape == (2, 0)
    assert decoded('{"inputs": []}', STRING).shape == (0,)


def test_text_behind_the_document_is_ignored():
    for more in (" x", "}", "{}", "\n[1"):
        assert decoded(f' \n{{"inputs": [1]}}{more}', FLOAT).tolist() == [1]


def test_what_is_wrong_is_said_in_few_words():
    message = failure('{"instances": [1, "a"]}', x=FLOAT)
    assert message == 'Input x: "a" is not of expected type: float'
    message = failure('{"inputs": [1, "' + "a" * 100_000 + '"]}', x=FLOAT)
    assert 100 < len(message) < 200
    assert "2 at level 2 but got a list of 1" in failure('{"inputs": [[1, 2], [3]]}', x=FLOAT)
    assert failure('{"inputs": [{"b64": "", "more": 1}]}', x=STRING).startswith(
        "Input x: an object is not"
    )
    assert "half of a surrogate pair" in failure('{"inputs": ["\\ud800"]}', x=STRING)


def test_of_members_of_the_same_name_the_first_one_counts():
    document = parse(b'{"a": 1, "b": {"c": 2, "c": 3}, "a": 4, "d": 5, "a": 6}')
    assert document == {"a": 1, "b": {"c": 2}, "d": 5}


def examples(text: str) -> input_pb2.Input:
    filled = input_pb2.Input()
    fill_examples(parse(text.encode()), filled)
    return filled


def feature(example, name: str):
    kind = example.features.feature[name].WhichOneof("kind")
    return kind, list(getattr(example.features.feature[name], kind).value)


def test_examples():
    filled = examples(
        """{"examples": [
            {"names": ["foo", {"b64": "aGVsbG8="}], "ratings": [8.0, NaN, -Infinity], "age": 20},
            {"names": [], "mix": [1, true, false], "large": 9223372036854775807}
        ]}"""
    )
    assert filled.WhichOneof("kind") == "example_list"
    first, second = filled.example_list.examples
    assert feature(first, "names") == ("bytes_list", [b"foo", b"hello"])
    kind, ratings = feature(first, "ratings")
    assert kind == "float_list"
    np.testing.assert_array_equal(ratings, [8, np.nan, -np.inf])
    assert feature(first, "age") == ("int64_list", [20])
    assert second.features.feature["names"].WhichOneof("kind") is None
    assert feature(second, "mix") == ("int64_list", [1, 1, 0])
    assert feature(second, "large") == ("int64_list", [2**63 - 1])
