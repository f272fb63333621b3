"""Reads the rows of input files in blocks, each row with its place in its file.

Files are split into ranges that different workers may take. What a block holds depends on the file
alone, not on the ranges nor on who reads them.
"""

import bz2
import dataclasses
import gzip
from collections.abc import Callable, Iterator
from typing import IO, Any, cast

import pyarrow as pa
import pyarrow.parquet as pq

from beam.running import storage
from tagkeras.cli.errors import UserError
from tagkeras.data.facts import FACTS, Fact, is_missing
from tagkeras.data.posts import FIELDS, PostError
from tagkeras.data.posts_file import BYTE_ORDER_MARK, parse_parquet_rows

# The fields by name; or what is wrong with the row: a text if it is malformed.
Row = dict[str, Any] | str | PostError

# The unit of work: a block of rows is read, described and staged at once. Blocks of images are
# smaller, since a row of them takes a hundred times as long.
BLOCK_ROWS = 1024
IMAGE_BLOCK_ROWS = 256
BLOCK_BYTES = 32 * 2**20
# Plain text is read in ranges of about this size, in parallel; smaller ones of posts with images.
RANGE_BYTES = 64 * 2**20
IMAGE_RANGE_BYTES = 2**16
# A longer line is no row: read at once, it could fill the memory.
MAX_LINE_BYTES = 64 * 2**20

_DECOMPRESSORS: dict[str, Callable[[IO[bytes]], Any]] = {".gz": gzip.open, ".bz2": bz2.open}


@dataclasses.dataclass(frozen=True)
class InputFile:
    """One file of the input.

    Attributes:
        index: its place among the input's files, in the order of their names.
        path: local, or of any file system that Beam knows.
        format: one of `beam.posts.flags.FORMATS`.
        name: to be shown: the path without the folders that all files of the input are in.
    """

    index: int
    path: str
    size: int
    format: str
    name: str = ""
    facts: tuple[Fact, ...] = FACTS

    @property
    def source(self) -> str:
        """What a row's position is counted in: "posts.jsonl, byte"."""
        return f"{self.name or self.path}, {'row' if self.format == 'parquet' else 'byte'}"


@dataclasses.dataclass(frozen=True)
class FileRange:
    """A part of a file that is read by one worker: bytes of a text file, row groups of Parquet.

    `stop` is behind the last; None for the end.
    """

    file: InputFile
    start: int
    stop: int | None


@dataclasses.dataclass
class RowBlock:
    """Rows that stand together in a file.

    Attributes:
        positions: of each row: the byte in a text file, the number in a Parquet file.
        rows: one for each position.
        descriptors: the Parquet column of that name, if there is one.
    """

    file: InputFile
    positions: list[int]
    rows: list[Row]
    descriptors: pa.Array | None = None

    def has_descriptor(self, number: int) -> bool:
        """Whether a row has anything in the field of the descriptor."""
        if self.descriptors is not None:
            return bool(self.descriptors[number].is_valid)
        row = self.rows[number]
        return isinstance(row, dict) and not is_missing(row.get("descriptor"))

    def descriptor(self, number: int) -> Any:
        """What a row has in the field of the descriptor; None if Python cannot hold it."""
        if self.descriptors is not None:
            try:
                return self.descriptors[number].as_py()
            except Exception:  # of many kinds
                return None
        row = self.rows[number]
        return row.get("descriptor") if isinstance(row, dict) else None


def split_lines(file: InputFile, range_bytes: int) -> Iterator[FileRange]:
    """The ranges of a text file, of so many bytes; a compressed one is one range."""
    if file.path.endswith(tuple(_DECOMPRESSORS)):
        yield FileRange(file, 0, None)
        return
    for start in range(0, file.size, range_bytes):
        yield FileRange(file, start, min(start + range_bytes, file.size))


def read_lines(
    part: FileRange, block_rows: int, parse: Callable[[bytes], Row]
) -> Iterator[RowBlock]:
    """The rows of the lines that begin in a range, blank lines left out.

    Raises:
        OSError: the file cannot be read or decompressed (EOFError if it ends too early).
    """
    block, size = RowBlock(part.file, [], []), 0
    for position, line in _read_lines(part):
        text = line.removeprefix(BYTE_ORDER_MARK) if position == 0 else line
        if not text.strip():
            continue
        block.positions.append(position)
        is_row = len(line) <= MAX_LINE_BYTES
        block.rows.append(parse(text) if is_row else f"a line of over {MAX_LINE_BYTES:,} bytes")
        size += len(text)
        if len(block.rows) >= block_rows or size >= BLOCK_BYTES:
            yield block
            block, size = RowBlock(part.file, [], []), 0
    if block.rows:
        yield block


def split_parquet(file: InputFile) -> Iterator[FileRange]:
    """The row groups of a file, one range each; their size was up to the writer.

    Raises:
        UserError: it is no Parquet file.
    """
    with _open_parquet(file) as parquet:
        num_groups = parquet.metadata.num_row_groups
    for group in range(num_groups):
        yield FileRange(file, group, group + 1)


def read_parquet(part: FileRange, block_rows: int) -> Iterator[RowBlock]:
    """The rows of some row groups. The column `descriptor` stays an Arrow array.

    Raises:
        UserError: the file is damaged.
    """
    with _open_parquet(part.file) as parquet:
        names = parquet.schema_arrow.names
        fields = (*FIELDS, *(fact.name for fact in part.file.facts))
        columns = [name for name in fields if name in names]
        wanted = [*columns, "descriptor"] if "descriptor" in names else columns
        for name in wanted:
            if names.count(name) > 1:
                raise UserError(f"{part.file.path}: more than one column {name}")
        metadata = parquet.metadata
        groups = range(part.start, part.stop or metadata.num_row_groups)
        position = sum(metadata.row_group(g).num_rows for g in range(part.start))
        rows = max(1, sum(metadata.row_group(g).num_rows for g in groups))
        size = sum(metadata.row_group(g).total_byte_size for g in groups)
        block_rows = max(1, min(block_rows, BLOCK_BYTES * rows // max(size, 1)))
        try:
            for batch in parquet.iter_batches(block_rows, groups, wanted):
                positions = list(range(position, position + batch.num_rows))
                position += batch.num_rows
                descriptors = batch.column("descriptor") if "descriptor" in names else None
                parsed: list[Row] = [*parse_parquet_rows(batch.select(columns))]
                yield RowBlock(part.file, positions, parsed, descriptors)
        except (pa.ArrowException, OSError) as error:
            raise UserError(f"{part.file.path}: a damaged Parquet file: {error}") from error


def _read_lines(part: FileRange) -> Iterator[tuple[int, bytes]]:
    """The lines that begin in a range, and where; of one that is too long, the beginning."""
    with _open_lines(part.file.path) as stream:
        position = part.start
        if position:
            # A line belongs to the range that its first byte is in.
            stream.seek(position - 1)
            position += _skip_line(stream) - 1
        while part.stop is None or position < part.stop:
            line = stream.readline(MAX_LINE_BYTES + 1)
            if not line:
                return
            yield position, line
            position += len(line)
            if len(line) > MAX_LINE_BYTES and not line.endswith(b"\n"):
                position += _skip_line(stream)


def _skip_line(stream: IO[bytes]) -> int:
    """Reads to the end of a line; gives the bytes read."""
    skipped = 0
    while part := stream.readline(2**20):
        skipped += len(part)
        if part.endswith(b"\n"):
            break
    return skipped


def _open_lines(path: str) -> IO[bytes]:
    stream = storage.open_input(path)
    for suffix, decompress in _DECOMPRESSORS.items():
        if path.endswith(suffix):
            return cast(IO[bytes], decompress(stream))
    return stream


def _open_parquet(file: InputFile) -> pq.ParquetFile:
    try:
        return pq.ParquetFile(storage.open_input(file.path))
    except (pa.ArrowException, OSError) as error:
        raise UserError(f"{file.path}: no Parquet file that can be read: {error}") from error
