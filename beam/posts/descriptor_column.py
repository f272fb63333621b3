"""The ready descriptors of a block of rows, checked all at once where they can be."""

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from beam.posts.rows import RowBlock
from tagkeras.data.posts import PostError, parse_descriptor


class DescriptorColumn:
    """The field `descriptor` of the rows of a block.

    Args:
        block: rows.
        size: n, that descriptors must have.
        dtype: to store them in.
    """

    def __init__(self, block: RowBlock, size: int, dtype: str) -> None:
        self._dtype = np.dtype(dtype).newbyteorder("<")
        self._values = np.zeros((len(block.rows), size), np.float32)
        self._errors: dict[int, PostError] = {}
        if not self._take_all(block.descriptors, size):
            for number in range(len(block.rows)):
                try:
                    self._values[number] = parse_descriptor(descriptor_of(block, number), size)
                except PostError as error:
                    self._errors[number] = error
        with np.errstate(over="ignore"):
            self._stored = self._values.astype(self._dtype)
        finite = np.isfinite(self._stored).all(axis=1)
        for number in np.flatnonzero(~finite).tolist():
            self._errors.setdefault(number, not_finite(self._dtype))

    def check(self, number: int) -> None:
        """Raises what is wrong with the descriptor of a row."""
        if number in self._errors:
            raise self._errors[number]

    def take(self, numbers: list[int]) -> pa.Array:
        """Raw values of the rows."""
        return to_raw(self._stored[numbers])

    def _take_all(self, column: pa.Array | None, size: int) -> bool:
        """Takes over a Parquet column, if there is nothing wrong with any of it."""
        if column is None or column.null_count:
            return False
        kind = column.type
        if not (pa.types.is_list(kind) or pa.types.is_large_list(kind)) and not (
            pa.types.is_fixed_size_list(kind)
        ):
            return False
        numeric = pa.types.is_floating(kind.value_type) or pa.types.is_integer(kind.value_type)
        values = column.flatten()
        if not numeric or values.null_count:
            return False
        if not pc.all(pc.equal(pc.list_value_length(column), size)).as_py():
            return False
        with np.errstate(over="ignore"):
            self._values = values.to_numpy().reshape(-1, size).astype(np.float32, copy=False)
        return True


def has_descriptor(block: RowBlock, number: int) -> bool:
    """Whether a row has anything in the field of the descriptor."""
    if block.descriptors is not None:
        return bool(block.descriptors[number].is_valid)
    row = block.rows[number]
    return isinstance(row, dict) and row.get("descriptor") is not None


def descriptor_of(block: RowBlock, number: int) -> Any:
    """What a row has in the field of the descriptor."""
    if block.descriptors is not None:
        try:
            return block.descriptors[number].as_py()
        except Exception:  # Arrow raises many kinds for what Python cannot hold: no numbers
            return None
    row = block.rows[number]
    return row.get("descriptor") if isinstance(row, dict) else None


def not_finite(dtype: np.dtype) -> PostError:
    """What is wrong with a descriptor that has values that cannot be stored."""
    message = f"descriptor: NaN, infinite or too large for {dtype.name}"
    return PostError("descriptor_not_finite", message)


def to_raw(values: np.ndarray) -> pa.Array:
    """Rows of a matrix as bytes: [B, n] to a binary array of length B."""
    width = values.shape[1] * values.dtype.itemsize
    data = pa.py_buffer(np.ascontiguousarray(values))
    return pa.Array.from_buffers(pa.binary(width), len(values), [None, data])


def from_raw(column: pa.Array | pa.ChunkedArray, dtype: str) -> np.ndarray:
    """What `to_raw` made: a binary array of length B to [B, n]."""
    raw = b"".join(column.to_pylist())
    return np.frombuffer(raw, np.dtype(dtype).newbyteorder("<")).reshape(len(column), -1)
