"""Descriptors as columns of Arrow: given with the posts, and stored between the passes."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from beam.posts.rows import RowBlock
from tagkeras.data.posts import PostError, parse_descriptor


def read_descriptors(
    block: RowBlock, size: int, dtype: str
) -> tuple[np.ndarray, dict[int, PostError]]:
    """The ready descriptors of a block, checked all at once where they can be.

    Returns:
        Little-endian values of the dtype [rows, size], and what is wrong with those of some rows.
    """
    errors: dict[int, PostError] = {}
    values = _take_column(block.descriptors, size)
    if values is None:
        values = np.zeros((len(block.rows), size), np.float32)
        for number in range(len(block.rows)):
            try:
                values[number] = parse_descriptor(block.descriptor(number), size)
            except PostError as error:
                errors[number] = error
    stored, not_finite = to_stored(values, dtype)
    return stored, not_finite | errors


def to_stored(values: np.ndarray, dtype: str) -> tuple[np.ndarray, dict[int, PostError]]:
    """Descriptors float32 [B, n] as they are stored, and those that cannot be, by row."""
    with np.errstate(over="ignore"):
        stored = values.astype(np.dtype(dtype).newbyteorder("<"))
    bad = np.flatnonzero(~np.isfinite(stored).all(axis=1)).tolist()
    message = f"descriptor: NaN, infinite or too large for {dtype}"
    return stored, {row: PostError("descriptor_not_finite", message) for row in bad}


def to_raw(values: np.ndarray) -> pa.Array:
    """Rows of a matrix as bytes: [B, n] to a binary array of length B."""
    width = values.shape[1] * values.dtype.itemsize
    data = pa.py_buffer(np.ascontiguousarray(values))
    return pa.Array.from_buffers(pa.binary(width), len(values), [None, data])


def from_raw(column: pa.Array | pa.ChunkedArray, dtype: str) -> np.ndarray:
    """What `to_raw` made: a binary array of length B to [B, n]."""
    raw = b"".join(column.to_pylist())
    return np.frombuffer(raw, np.dtype(dtype).newbyteorder("<")).reshape(len(column), -1)


def to_lists(matrix: np.ndarray) -> pa.Array:
    """Rows of a matrix as lists of float32: [B, n] to an array of length B."""
    values = pa.array(np.ascontiguousarray(matrix, np.float32).reshape(-1))
    return pa.FixedSizeListArray.from_arrays(values, matrix.shape[1])


def from_lists(column: pa.ChunkedArray) -> np.ndarray:
    """What `to_lists` made: an array of length B to [B, n]."""
    return column.combine_chunks().flatten().to_numpy().reshape(len(column), -1)


def _take_column(column: pa.Array | None, size: int) -> np.ndarray | None:
    """A Parquet column as float32 [rows, n], if there is nothing wrong with any of it."""
    if column is None or column.null_count:
        return None
    is_of_lists = (pa.types.is_list, pa.types.is_large_list, pa.types.is_fixed_size_list)
    if not any(is_kind(column.type) for is_kind in is_of_lists):
        return None
    values = column.flatten()
    if not (pa.types.is_floating(values.type) or pa.types.is_integer(values.type)):
        return None
    if values.null_count or not pc.all(pc.equal(pc.list_value_length(column), size)).as_py():
        return None
    with np.errstate(over="ignore"):
        return values.to_numpy().reshape(-1, size).astype(np.float32, copy=False)
