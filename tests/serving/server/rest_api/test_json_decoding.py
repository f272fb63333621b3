"""JSON to requests, with the cases of TensorFlow Serving's own json_tensor_test."""

import math

import numpy as np
import pytest
from tensorflow.core.framework import types_pb2
from tensorflow.core.protobuf import meta_graph_pb2
from tensorflow_serving.apis import input_pb2, predict_pb2

from serving import tensors
from serving.server.errors import ServingError
from serving.server.rest_api.example_decoding import fill_examples
from serving.server.rest_api.json_text import parse
from serving.server.rest_api.predict_decoding import Format, fill_predict_request, signature_name


def decode(text: str | bytes, **types: int):
    """The tensors of a Predict, and the format, for inputs of the types."""
    infos = {name: meta_graph_pb2.TensorInfo(dtype=dtype) for name, dtype in types.items()}
    request = predict_pb2.PredictRequest()
    body = text.encode() if isinstance(text, str) else text
    form = fill_predict_request(parse(body), infos, request)
    return {name: tensors.from_proto(proto) for name, proto in request.inputs.items()}, form


def decoded(text: str, dtype: int) -> np.ndarray:
    """The only tensor."""
    values, _ = decode(text, x=dtype)
    return values["x"]


def failure(text: str | bytes, **types: int) -> str:
    with pytest.raises(ServingError) as caught:
        decode(text, **types)
    assert caught.value.code.name == "INVALID_ARGUMENT"
    return caught.value.message


INT, FLOAT, DOUBLE, STRING = (
    types_pb2.DT_INT32,
    types_pb2.DT_FLOAT,
    types_pb2.DT_DOUBLE,
    types_pb2.DT_STRING,
)


def test_a_plain_list_is_the_only_input():
    values, form = decode('{"instances": [[1,2],[3,4],[5,6]]}', x=INT)
    np.testing.assert_array_equal(values["x"], np.array([[1, 2], [3, 4], [5, 6]], np.int32))
    assert values["x"].dtype == np.int32
    assert form is Format.ROW


@pytest.mark.parametrize(("dtype", "numpy"), [(FLOAT, np.float32), (DOUBLE, np.float64)])
def test_floats_may_be_written_as_integers(dtype, numpy):
    values = decoded('{"instances": [1, 2.0, 3, 5.003, 0.007, -0.5e1, 0]}', dtype)
    assert values.dtype == numpy
    np.testing.assert_array_equal(values, np.array([1, 2, 3, 5.003, 0.007, -5, 0], numpy))


def test_not_a_number_and_infinities_are_bare_words():
    values = decoded('{"instances": [NaN, Infinity, -Infinity]}', FLOAT)
    assert math.isnan(values[0])
    assert values[1:].tolist() == [math.inf, -math.inf]


@pytest.mark.parametrize(
    ("dtype", "value"),
    [
        (types_pb2.DT_UINT8, 255),
        (types_pb2.DT_INT8, -128),
        (types_pb2.DT_INT16, -32768),
        (types_pb2.DT_INT64, -(2**63)),
        (types_pb2.DT_UINT32, 2**32 - 1),
        (types_pb2.DT_UINT64, 2**64 - 1),
    ],
)
def test_every_integer_type_has_its_range(dtype, value):
    assert decoded(f'{{"inputs": [{value}, 1]}}', dtype).tolist() == [value, 1]
    over = 2**64 if value > 0 else -(2**63) - 1
    message = failure(f'{{"inputs": [{over}]}}', x=dtype)
    assert message.startswith(f"JSON Value: {over} Type: Number is not of expected type: ")
    assert "of expected type" in failure('{"inputs": [1.0]}', x=dtype)
    assert "of expected type" in failure('{"inputs": [true]}', x=dtype)


def test_booleans():
    assert decoded('{"instances": [true, false]}', types_pb2.DT_BOOL).tolist() == [True, False]
    assert failure('{"instances": [1]}', x=types_pb2.DT_BOOL).endswith(
        "JSON Value: 1 Type: Number is not of expected type: bool"
    )


def test_strings_and_base64():
    elements = r'"caf\u00e9", {"b64": "aGVsbG8="}, {"b64": "aGVs\nbG8"}, "\ud83d\ude00"'
    text = f'{{"instances": [{elements}]}}'
    expected = ["café".encode(), b"hello", b"hello", "😀".encode()]
    assert decoded(text, STRING).tolist() == expected


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


def test_named_rows_of_one_input():
    text = '{"instances": [{"x": [[{"b64": "aGVsbG8="}], [{"b64": "d29ybGQ="}]]}]}'
    assert decoded(text, STRING).tolist() == [[[b"hello"], [b"world"]]]


@pytest.mark.parametrize(
    "text", ['{"inputs": {"x": [[[1,2],[3,4]]]}}', '{"inputs": [[[1,2],[3,4]]]}']
)
def test_columns_of_one_input_with_and_without_its_name(text):
    values, form = decode(text, x=INT)
    assert values["x"].tolist() == [[[1, 2], [3, 4]]]
    assert form is Format.COLUMNAR


def test_columns_of_several_inputs():
    text = '{"inputs": {"i": [[1,2]], "s": ["foo"], "b": {"b64": "aGVsbG8="}, "more": 1}}'
    values, _ = decode(text, i=INT, s=STRING, b=STRING)
    assert values["i"].tolist() == [[1, 2]]
    assert values["s"].tolist() == [b"foo"]
    assert values["b"].shape == ()
    assert values["b"].item() == b"hello"


def test_empty_lists_keep_their_shape():
    assert decoded('{"inputs": [[], []]}', FLOAT).shape == (2, 0)
    assert decoded('{"inputs": []}', STRING).shape == (0,)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "JSON Parse error: The document is empty"),
        (" \n", "JSON Parse error: The document is empty. at offset: 2"),
        ('{"a": 1.}', "Miss fraction part in number."),
        ('{"a": [1.5e+]}', "Miss exponent in number."),
        ("instances = [1, 2]", "JSON Parse error: Invalid value. at offset: 0"),
        ('{"é": x}', "JSON Parse error: Invalid value. at offset: 7"),
        ('{"a": 1', "Missing a comma or } after an object member. at offset: 7"),
        (
            '{"a": "]{", "b": [1, 2 3]}',
            "Missing a comma or ] after an array element. at offset: 23",
        ),
        ('{"a" 1}', "Missing a colon after a name of object member."),
        ("{1: 2}", "Missing a name for object member."),
        ('{"a": "b', "Missing a closing quotation mark in string."),
        ('{"a": "\\x"}', "Invalid escape character in string."),
        ('{"a": "\\u12"}', "Incorrect hex digit after \\u escape in string."),
        ('{"a": "\n"}', "Invalid encoding in string."),
        ("{} {}", "The document root must not be followed by other values."),
        (b'{"a": "\xff"}', "Invalid encoding in string."),
        ('{"instances": [1e400]}', "Number too big to be stored in double."),
        ('{"instances": [1' + "0" * 400 + "]}", "Number too big to be stored in double."),
        ('{"instances": [1' + "0" * 9000 + "]}", "Number too big to be stored in double."),
        ("[" * 100_000, "JSON Parse error: The document is nested too deeply."),
        ('{"a":' * 100_000, "JSON Parse error: The document is nested too deeply."),
        ("[1]", "Is not object"),
        ('"text"', 'JSON Value: "text" Is not object'),
        ("{}", "Missing 'inputs' or 'instances' key"),
        ('{"instances": [1], "inputs": [1]}', "expecting only one of 'inputs' or 'instances'"),
        ('{"instances": 1}', "Excepting 'instances' to be an list/array"),
        ('{"instances": []}', "No values in 'instances' array"),
        ('{"instances": [[1,2],[3,4],[5,6,7]]}', "Expecting tensor size: 2 but got: 3"),
        ('{"instances": [[1,2],[3,4],[[5,6]]]}', "Expecting shape [2] but got: [1,2]"),
        ('{"instances": [1, [1]]}', "Expecting shape [] but got: [1]"),
        ('{"instances": [[1,[2]]]}', "Encountered list at unexpected level: 1 expected < 1"),
        ('{"instances": [[[1],2]]}', "JSON Value: 2 found at incorrect level: 2"),
        ('{"instances": [[[1],[2,3]]]}', "list at unexpected size: 2 at level: 1 expected size: 1"),
        (
            '{"instances": [[1,2],["a","b"]]}',
            'JSON Value: "a" Type: String is not of expected type',
        ),
        ('{"instances": [null]}', "JSON Value: null Type: Null is not of expected type: float"),
        ('{"instances": [{"b64": "aGVsbG8="}]}', "Type: Object is not of expected type: float"),
        ('{"instances": [1, {"x": 1}]}', "Expecting value/list but got object at item 1"),
        ('{"instances": [{"x": 1}, 1]}', "Expecting object but got list at item 1"),
        ('{"instances": [{"y": 1}]}', "Failed to process element: 0 key: y of 'instances' list."),
        ('{"instances": [{}]}', "keys must be equal to: x"),
        ('{"inputs": {"y": 1}}', "Missing named input: x in 'inputs' object."),
        ('{"inputs": [1.7976931348623157e308]}', "to float without loss of precision."),
        ('{"inputs": [NaN, 1e39]}', "to float without loss of precision."),
        ('{"inputs": [1.0, -1e39, NaN]}', "to float without loss of precision."),
        ('{"inputs": [1.0, 1E+0400]}', "Number too big to be stored in double."),
        ('{"inputs": [' + "9" * 310 + ".5]}", "Number too big to be stored in double."),
        ('{"inputs": [' + "9" * 250 + "e60]}", "Number too big to be stored in double."),
        ('{"inputs": [16777216]}', "Cannot convert JSON value: 16777216 to float without loss"),
    ],
)
def test_bad_documents(text, expected):
    assert expected in failure(text, x=FLOAT)


def test_the_error_of_an_element_is_quoted():
    message = failure('{"instances": [1, "a"]}', x=FLOAT)
    assert message == (
        "Failed to process element: 1 of 'instances' list. Error: INVALID_ARGUMENT: JSON Value: "
        '"a" Type: String is not of expected type: float'
    )


@pytest.mark.parametrize("digits", ["!", "aGVsbG8", "aGVs=bG8=", "a", "aGVsbG8=="])
def test_base64_that_is_none(digits):
    if digits == "aGVsbG8":  # padding may be left out
        assert decoded(f'{{"inputs": {{"b64": "{digits}"}}}}', STRING).item() == b"hello"
    else:
        text = f'{{"inputs": {{"b64": "{digits}"}}}}'
        assert failure(text, x=STRING) == "Unable to base64 decode"


def test_objects_that_are_no_base64():
    text = '{"inputs": {"x": [{"b64": "aGVsbG8=", "more": 1}]}}'
    assert failure(text, x=STRING).endswith("not formatted correctly for base64 data")


def test_half_a_surrogate_pair_is_no_string():
    text = '{"inputs": ["\\ud800"]}'
    assert failure(text, x=STRING) == "JSON Parse error: The surrogate pair in string is invalid."


def test_doubles_and_floats_end_where_integers_become_ambiguous():
    assert decoded('{"inputs": [16777215]}', FLOAT).tolist() == [16777215]
    assert decoded('{"inputs": [9007199254740991]}', DOUBLE).tolist() == [9007199254740991]
    message = failure('{"inputs": [9007199254740993]}', x=DOUBLE)
    assert message == (
        "Cannot convert JSON value: 9007199254740993 to double without loss of precision."
    )
    # Beyond 64 bits an integer is read as a double, which is as exact as it gets.
    assert decoded('{"inputs": [1e20, 100000000000000000000]}', DOUBLE).tolist() == [1e20, 1e20]


def test_several_inputs_need_names():
    types = {"a": INT, "b": STRING}
    assert "instances is a plain list" in failure('{"instances": [1]}', **types)
    assert "inputs is a plain value/list" in failure('{"inputs": [1]}', **types)
    text = '{"instances": [{"a": 1, "b": ""}, {"a": 1}]}'
    assert failure(text, **types) == (
        "Failed to process element: 1 of 'instances' list. JSON object: "
        '{\n    "a": 1\n} keys must be equal to: a,b'
    )


def test_types_that_json_cannot_express():
    with pytest.raises(ServingError) as caught:
        decode('{"inputs": [1]}', x=types_pb2.DT_COMPLEX64)
    assert str(caught.value) == ("UNIMPLEMENTED: Conversion of JSON Value: 1 to type: complex64")


def test_a_signature_without_inputs():
    assert failure('{"inputs": 1}') == "Failed to get input map for signature: DEFAULT"


def test_signature_names():
    assert signature_name(parse(b'{"signature_name": "a"}')) == "a"
    assert signature_name(parse(b"{}")) == ""
    with pytest.raises(ServingError, match="'signature_name' key must be a string value"):
        signature_name(parse(b'{"signature_name": 5}'))


def test_long_values_are_quoted_in_part():
    message = failure('{"inputs": [{"y": [' + "1," * 100_000 + "1]}]}", x=FLOAT)
    assert 4096 < len(message) < 5000
    assert "...TRUNCATED Type: Object" in message


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


def test_examples_with_context():
    filled = examples('{"context": {"query": "pizza"}, "examples": [{"a": 1.5}, {}]}')
    assert filled.WhichOneof("kind") == "example_list_with_context"
    listed = filled.example_list_with_context
    assert feature(listed.context, "query") == ("bytes_list", [b"pizza"])
    assert feature(listed.examples[0], "a") == ("float_list", [1.5])
    assert len(listed.examples) == 2


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('{"context": [], "examples": [{}]}', "Example must be JSON object but got JSON Array"),
        ("{}", "When method is classify, key 'examples' is expected and was not found"),
        ('{"examples": {"a": 1}}', "Expecting 'examples' value to be an list/array"),
        ('{"examples": []}', "'examples' value is an empty array"),
        ('{"examples": [[{"a": 1}]]}', "Example must be JSON object but got JSON Array"),
        ('{"examples": [true]}', "Example must be JSON object but got JSON True"),
        ('{"examples": [{"a": [10, null]}]}', "a has element with unexpected JSON type: Null"),
        ('{"examples": [{"a": [[10], 20]}]}', "a has element with unexpected JSON type: Array"),
        ('{"examples": [{"a": {"t": 1}}]}', "a has element with unexpected JSON type: Object"),
        ('{"examples": [{"a": [10, 10.0]}]}', "in feature: a expecting type: int64"),
        ('{"examples": [{"a": [1.5, "b"]}]}', "in feature: a expecting type: float"),
        ('{"examples": [{"a": ["b", true]}]}', "in feature: a expecting type: bytes"),
        ('{"examples": [{"a": 18446744073709551603}]}', "Only int64 is supported."),
        ('{"examples": [{"a": 1.7976931348623157e308}]}', "without loss of precision."),
        ('{"examples": [{"a": {"b64": "?"}}]}', "Unable to base64 decode"),
        ('{"examples": [{"\\udc00": 1}]}', "The surrogate pair in string is invalid."),
    ],
)
def test_bad_examples(text, expected):
    with pytest.raises(ServingError) as caught:
        examples(text)
    assert caught.value.code.name == "INVALID_ARGUMENT"
    assert expected in caught.value.message


def test_of_members_of_the_same_name_the_first_one_counts():
    document = parse(b'{"a": 1, "b": {"c": 2, "c": 3}, "a": 4, "d": 5, "a": 6}')
    assert document == {"a": 1, "b": {"c": 2}, "d": 5}
    assert list(document) == ["a", "b", "d"]
