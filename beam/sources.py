"""Reading posts: JSON Lines and Parquet files as blocks of rows, each row with its place."""

# Beam has type hints for a part of its functions only.
# mypy: allow-untyped-calls

import dataclasses
import gzip
import json
import zlib
from collections.abc import Iterator
from typing import Any

import apache_beam as beam
import pyarrow as pa
import pyarrow.parquet as pq
from apache_beam.io.filesystem import BeamIOError, CompressionTypes
from apache_beam.io.filesystems import FileSystems
from apache_beam.pvalue import PCollection

from tagkeras.errors import UserError

JSON_SUFFIXES = (".jsonl", ".jsonl.gz")
PARQUET_SUFFIXES = (".parquet",)

# The unit of work: a block of rows is read, described and staged at once.
BLOCK_ROWS = 1024
BLOCK_BYTES = 32 * 2**20
# Uncompressed JSON Lines are read in ranges of about this size, in parallel.
RANGE_BYTES = 64 * 2**20

POST_FIELDS = (
    "post_id",
    "user_id",
    "image",
    "image_bytes",
    "hashtags",
    "age",
    "gender",
    "country",
    "latitude",
    "longitude",
)


@dataclasses.dataclass(frozen=True)
class InputFile:
    """One file of the input.

    Attributes:
        index: its place among the input's files, in the order of their names.
        path: local, or of any file system that Beam knows.
        size: in bytes.
    """

    index: int
    path: str
    size: int


@dataclasses.dataclass(frozen=True)
class FileRange:
    """A part of a file that is read by one worker.

    Attributes:
        file: the file.
        start: first byte of JSON Lines, first row group of Parquet.
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
        positions: of each row: the byte of JSON Lines, the number in a Parquet file.
        rows: a dict each, or what is wrong with the row.
        descriptors: the Parquet column of that name, if there is one.
    """

    file: InputFile
    positions: list[int]
    rows: list[dict[str, Any] | str]
    descriptors: pa.Array | None = None


def find_inputs(pattern: str) -> list[InputFile]:
    """The files that a glob names, in the order of their names.

    Raises:
        UserError: there are none, or one is a folder or has another suffix.
    """
    try:
        found = FileSystems.match([pattern])[0].metadata_list
    except (BeamIOError, ValueError) as error:
        raise UserError(f"--input={pattern}: cannot look there: {error}") from error
    suffixes = (*JSON_SUFFIXES, *PARQUET_SUFFIXES)
    if not found:
        raise UserError(
            f"--input={pattern}: no such file; give a path or a quoted glob, as in"
            " --input='posts/*.jsonl'"
        )
    for metadata in found:
        if not metadata.path.endswith(suffixes):
            raise UserError(
                f"--input={pattern}: {metadata.path} is none of {', '.join(suffixes)};"
                " of a folder name the files, as in --input='posts/*.jsonl'"
            )
    ordered = sorted(found, key=lambda metadata: metadata.path)
    return [InputFile(i, m.path, m.size_in_bytes) for i, m in enumerate(ordered)]


class ReadRows(beam.PTransform[Any, Any]):
    """From `InputFile`s to `RowBlock`s, in ranges that different workers may take."""

    def expand(self, files: PCollection[Any]) -> PCollection[Any]:
        """Applies the transform."""
        return (
            files
            | "SplitFiles" >> beam.FlatMap(split_file)
            | "SpreadRanges" >> beam.Reshuffle()
            | "ReadRanges" >> beam.FlatMap(read_range)
        )


def split_file(file: InputFile) -> Iterator[FileRange]:
    """The ranges of a file: any one reading of all of them sees each row once."""
    if file.path.endswith(".gz"):
        yield FileRange(file, 0, None)
    elif file.path.endswith(PARQUET_SUFFIXES):
        with _open_parquet(file) as parquet:
            num_groups = parquet.metadata.num_row_groups
        for group in range(num_groups):
            yield FileRange(file, group, group + 1)
    else:
        for start in range(0, file.size, RANGE_BYTES):
            yield FileRange(file, start, min(start + RANGE_BYTES, file.size))


def read_range(part: FileRange) -> Iterator[RowBlock]:
    """The rows of a range, in blocks that depend on the file alone.

    Raises:
        UserError: the file cannot be read.
    """
    if part.file.path.endswith(PARQUET_SUFFIXES):
        yield from _read_parquet(part)
        return
    try:
        yield from _read_json_lines(part)
    except (OSError, EOFError, zlib.error, gzip.BadGzipFile, BeamIOError) as error:
        raise UserError(f"{part.file.path}: cannot be read: {error}") from error


def read_rows(file: InputFile) -> Iterator[RowBlock]:
    """All the rows of a file."""
    for part in split_file(file):
        yield from read_range(part)


def _read_json_lines(part: FileRange) -> Iterator[RowBlock]:
    block, size = RowBlock(part.file, [], []), 0
    with _open(part.file.path) as stream:
        position = part.start
        if position:
            # A line belongs to the range that its first byte is in.
            stream.seek(position - 1)
            position += len(stream.readline()) - 1
        while (part.stop is None or position < part.stop) and (line := stream.readline()):
            text = line.removeprefix(b"\xef\xbb\xbf") if position == 0 else line
            if text.strip():
                block.positions.append(position)
                block.rows.append(_parse_json(text))
                size += len(text)
                if len(block.rows) >= BLOCK_ROWS or size >= BLOCK_BYTES:
                    yield block
                    block, size = RowBlock(part.file, [], []), 0
            position += len(line)
    if block.rows:
        yield block


def _parse_json(line: bytes) -> dict[str, Any] | str:
    try:
        row = json.loads(line.decode())
    except UnicodeDecodeError:
        return "not UTF-8"
    except (ValueError, RecursionError):
        return "not JSON"
    return row if isinstance(row, dict) else "not a JSON object"


def _read_parquet(part: FileRange) -> Iterator[RowBlock]:
    with _open_parquet(part.file) as parquet:
        names = set(parquet.schema_arrow.names)
        columns = [name for name in POST_FIELDS if name in names]
        groups = range(part.start, part.stop or parquet.metadata.num_row_groups)
        metadata = parquet.metadata
        position = sum(metadata.row_group(g).num_rows for g in range(part.start))
        rows = max(1, sum(metadata.row_group(g).num_rows for g in groups))
        size = sum(metadata.row_group(g).total_byte_size for g in groups)
        block_rows = max(1, min(BLOCK_ROWS, BLOCK_BYTES * rows // max(size, 1)))
        wanted = [*columns, "descriptor"] if "descriptor" in names else columns
        try:
            for batch in parquet.iter_batches(block_rows, groups, wanted):
                positions = list(range(position, position + batch.num_rows))
                position += batch.num_rows
                descriptors = batch.column("descriptor") if "descriptor" in names else None
                yield RowBlock(part.file, positions, _to_rows(batch.select(columns)), descriptors)
        except (pa.ArrowException, OSError) as error:
            raise UserError(f"{part.file.path}: a damaged Parquet file: {error}") from error


def _to_rows(batch: pa.RecordBatch) -> list[dict[str, Any] | str]:
    try:
        return batch.to_pylist()
    except UnicodeDecodeError:  # Parquet does not check its strings
        return [_to_row(batch.slice(i, 1)) for i in range(batch.num_rows)]


def _to_row(batch: pa.RecordBatch) -> dict[str, Any] | str:
    try:
        return batch.to_pylist()[0]
    except UnicodeDecodeError:
        return "not UTF-8"


def _open_parquet(file: InputFile) -> pq.ParquetFile:
    try:
        source = _open(file.path, CompressionTypes.UNCOMPRESSED)
        return pq.ParquetFile(source)
    except (pa.ArrowException, OSError, BeamIOError) as error:
        raise UserError(f"{file.path}: no Parquet file that can be read: {error}") from error


def _open(path: str, compression: str = CompressionTypes.AUTO) -> Any:
    if "://" in path:
        return FileSystems.open(path, compression_type=compression)
    return gzip.open(path) if path.endswith(".gz") else open(path, "rb")  # noqa: PTH123
