import hypothesis
import hypothesis.extra.numpy as npst
import ml_dtypes
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import strategies as st
from tensorflow.core.framework import tensor_pb2, types_pb2

from serving import tensors

NUMBERS = [
    np.float32, np.float64, np.float16, ml_dtypes.bfloat16, np.int8, np.int16, np.int32, np.int64,
    np.uint8, np.uint16, np.uint32, np.uint64, np.bool_, np.complex64, np.complex128,
]  # fmt: skip


def proto(dtype, shape, **fields) -> tensor_pb2.TensorProto:
    message = tensor_pb2.TensorProto(dtype=dtype, **fields)
    for size in shape:
        message.tensor_shape.dim.add(size=size)
    return message


@pytest.mark.parametrize("as_content", [False, True])
@pytest.mark.parametrize("dtype", NUMBERS)
def test_numbers_survive_and_read_as_tensorflow_reads_them(dtype, as_content):
    array = np.array([[0, 1, 2], [3, 100, 1]]).astype(dtype)
    message = tensors.to_proto(array, as_content=as_content)
    assert bool(message.tensor_content) is as_content
    for read in (
        tensors.from_proto(message),
        tf.io.parse_tensor(message.SerializeToString(), array.dtype).numpy(),
    ):
        assert read.dtype == array.dtype
        np.testing.assert_array_equal(read, array)


@hypothesis.given(
    npst.arrays(np.object_, npst.array_shapes(max_side=3), elements=st.binary(max_size=200))
)
def test_strings_survive(array):
    message = tensors.to_proto(array)
    np.testing.assert_array_equal(tensors.from_proto(message), array)


@hypothesis.given(
    count=st.integers(0, 6), given=st.lists(st.integers(-2, 2), max_size=8), data=st.data()
)
def test_short_and_long_lists_read_as_tensorflow_reads_them(count, given, data):
    message = data.draw(
        st.sampled_from(
            [
                proto(types_pb2.DT_FLOAT, [count], float_val=given),
                proto(types_pb2.DT_UINT8, [count], int_val=given),
                proto(types_pb2.DT_HALF, [count], half_val=[abs(v) for v in given]),
                proto(types_pb2.DT_STRING, [count], string_val=[b"%d" % v for v in given]),
                proto(types_pb2.DT_COMPLEX64, [count], scomplex_val=given * 2),
            ]
        )
    )
    expected = tf.io.parse_tensor(message.SerializeToString(), tf.as_dtype(message.dtype)).numpy()
    np.testing.assert_array_equal(tensors.from_proto(message), expected)


@pytest.mark.parametrize("lengths", [[0], [3, 0, 1], [127, 128, 300]])
def test_packed_strings_read_as_tensorflow_reads_them(lengths):
    values = [b"x" * length for length in lengths]
    varints = b"".join(bytes([n]) if n < 128 else bytes([n & 127 | 128, n >> 7]) for n in lengths)
    message = proto(types_pb2.DT_STRING, [len(values)], tensor_content=varints + b"".join(values))
    expected = tf.io.parse_tensor(message.SerializeToString(), tf.string).numpy()
    assert tensors.from_proto(message).tolist() == expected.tolist() == values


@pytest.mark.parametrize(
    "message",
    [
        proto(types_pb2.DT_FLOAT, [-1], float_val=[1]),
        proto(types_pb2.DT_FLOAT, [2], tensor_content=b"1234567"),
        proto(types_pb2.DT_STRING, [10**12], string_val=[b""]),
        proto(types_pb2.DT_STRING, [1], tensor_content=b"\x05ab"),
        proto(types_pb2.DT_STRING, [1], tensor_content=b"\xff\xff\xff\xff\xff\xff"),
        proto(types_pb2.DT_COMPLEX64, [1], scomplex_val=[1]),
        proto(types_pb2.DT_RESOURCE, [1]),
        tensor_pb2.TensorProto(dtype=types_pb2.DT_FLOAT, tensor_shape={"unknown_rank": True}),
    ],
    ids=lambda message: str(message)[:60],
)
def test_what_is_no_tensor_is_refused(message):
    with pytest.raises(ValueError, match=r".+"):
        tensors.from_proto(message)
