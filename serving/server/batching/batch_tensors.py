"""Puts the arrays of several calls together, and takes results apart again."""

import math
from collections.abc import Mapping, Sequence

import grpc
import numpy as np
import tensorflow as tf
from tensorflow.core.framework import types_pb2

from serving.server.errors import ServingError, failed_precondition, invalid_argument
from serving.tensors import Array

_MAX_PADDED_RANK = 6


def merge(
    feeds: Sequence[Mapping[str, Array]], padding: int, *, pad_variable_length: bool
) -> dict[str, Array]:
    """Concatenates arrays along their first dimension, name by name.

    Args:
        feeds: arrays by name, of the same names in each.
        padding: rows to append, each the first row of the last array that has any.
        pad_variable_length: extend arrays to the largest in every other dimension.

    Raises:
        ServingError: arrays of different types, or of shapes that do not go together.
    """
    merged = {}
    for name in feeds[0]:
        arrays = [feed[name] for feed in feeds]
        if pad_variable_length:
            arrays = _padded(arrays)
        elif any(array.shape[1:] != arrays[0].shape[1:] for array in arrays):
            raise failed_precondition(
                f"Tensors with name '{name}' from different tasks have different shapes and "
                "padding is turned off. Set pad_variable_length_inputs to true, or ensure that "
                "all tensors with the same name have equal dimensions starting with the first dim."
            )
        _check_types(arrays)
        if padding:
            filled = next((array for array in reversed(arrays) if len(array)), arrays[-1])
            arrays.append(np.repeat(filled[:1], padding, axis=0))
        merged[name] = arrays[0] if len(arrays) == 1 else np.concatenate(arrays)
    return merged


def split(output: Array, sizes: Sequence[int], padding: int) -> list[Array]:
    """Cuts an output into the rows of each call and drops the padding.

    Raises:
        ServingError: `FAILED_PRECONDITION` if it does not have a row for each row of the inputs.
    """
    if output.ndim == 0:
        raise failed_precondition("Batched output tensor has 0 dimensions")
    if len(output) != sum(sizes) + padding:
        raise failed_precondition(
            "Batched output tensor's 0th dimension does not equal the sum of the 0th dimension "
            "sizes of the input tensors"
        )
    ends = np.cumsum(sizes)
    return [output[end - size : end] for end, size in zip(ends, sizes, strict=True)]


def batch_size(feeds: Mapping[str, Array]) -> int:
    """The rows of a call.

    Raises:
        ServingError: `INVALID_ARGUMENT` if its tensors have different numbers of rows, or none.
    """
    if not feeds:
        raise invalid_argument("Batching Run() must have at least one input tensor")
    sizes = set()
    for array in feeds.values():
        if array.ndim == 0:
            raise invalid_argument("Batching Run() input tensors must have at least one dimension")
        sizes.add(len(array))
        if len(sizes) > 1:
            raise invalid_argument(
                "Batching Run() input tensors must have equal 0th-dimension size"
            )
    return sizes.pop()


def _padded(arrays: Sequence[Array]) -> list[Array]:
    """The arrays, extended by their own first element to the largest shape among them."""
    ranks = {array.ndim for array in arrays}
    if len(ranks) > 1:
        raise invalid_argument("Tensors of different ranks cannot be padded to one shape.")
    if ranks.pop() > _MAX_PADDED_RANK:
        raise invalid_argument("Only tensors with rank from 1 to 6 can be padded.")
    largest = np.max([array.shape for array in arrays], axis=0)
    padded = []
    for array in arrays:
        shape = (len(array), *map(int, largest[1:]))
        if array.size == math.prod(shape):  # the same shape, or no rows
            padded.append(array.reshape(shape))
            continue
        if not array.size:
            raise invalid_argument("Got empty tensor in batch of non-empty tensors.")
        extended = np.empty(shape, array.dtype)
        extended[...] = array.flat[0]
        extended[tuple(map(slice, array.shape))] = array
        padded.append(extended)
    return padded


def _check_types(arrays: Sequence[Array]) -> None:
    """NumPy would convert to a common type, of which the model knows nothing."""
    if len({array.dtype for array in arrays}) == 1:
        return
    types = [tf.as_dtype(array.dtype).as_datatype_enum for array in arrays]
    for other in types:
        if other != types[0]:
            names = [
                types_pb2.DataType.Name(kind).removeprefix("DT_").lower()
                for kind in (types[0], other)
            ]
            raise ServingError(
                grpc.StatusCode.INTERNAL,
                "Tensor concat operation failed: INVALID_ARGUMENT: Cannot concatenate tensors "
                f"that have different data types. Got {' and '.join(names)}.",
            )
