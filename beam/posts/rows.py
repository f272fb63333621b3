"""Rows of input files, in blocks, each row with its place."""

import dataclasses
from typing import Any

import pyarrow as pa

from tagkeras.data.posts import PostError

# The fields by name; or what is wrong with the row: a text if it is malformed.
Row = dict[str, Any] | str | PostError

# The unit of work: a block of rows is read, described and staged at once. Blocks of images are
# smaller, since a row of them takes a hundred times as long.
BLOCK_ROWS = 1024
IMAGE_BLOCK_ROWS = 256
BLOCK_BYTES = 32 * 2**20


@dataclasses.dataclass(frozen=True)
class InputFile:
    """One file of the input.

    Attributes:
        index: its place among the input's files, in the order of their names.
        path: local, or of any file system that Beam knows.
        size: in bytes.
        format: a key of `beam.posts.files.FORMATS`.
        name: for people: the path without the folders that all files of the input are in.
    """

    index: int
    path: str
    size: int
    format: str
    name: str = ""

    @property
    def place(self) -> str:
        """What a row's position is counted in: "posts.jsonl, byte"."""
        return f"{self.name or self.path}, {'row' if self.format == 'parquet' else 'byte'}"


@dataclasses.dataclass(frozen=True)
class FileRange:
    """A part of a file that is read by one worker.

    Attributes:
        file: the file.
        start: first byte of a text file, first row group of Parquet.
        stop: the byte or row group behind the last; None for the end.
    """

    file: InputFile
    start: int
    stop: int | None


@dataclasses.dataclass
class RowBlock:
    """Rows that stand together in a file.

    Attributes:
        file: where they stand.
        positions: of each row: the byte in a text file, the number in a Parquet file.
        rows: one for each position.
        descriptors: the Parquet column of that name, if there is one.
    """

    file: InputFile
    positions: list[int]
    rows: list[Row]
    descriptors: pa.Array | None = None
