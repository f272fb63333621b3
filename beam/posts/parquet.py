"""Parquet files of posts."""

from collections.abc import Iterator

import pyarrow as pa
import pyarrow.parquet as pq

from beam.posts.rows import BLOCK_BYTES, FileRange, InputFile, Row, RowBlock
from beam.running import storage
from tagkeras.cli.errors import UserError

_FIELDS = (
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


def split_parquet(file: InputFile, range_bytes: int | None = None) -> Iterator[FileRange]:
    """The row groups of a file.

    Args:
        file: to split.
        range_bytes: not used: whoever wrote the file chose the size.

    Raises:
        UserError: it is no Parquet file.
    """
    del range_bytes
    with _open(file) as parquet:
        num_groups = parquet.metadata.num_row_groups
    for group in range(num_groups):
        yield FileRange(file, group, group + 1)


def read_parquet(part: FileRange, block_rows: int) -> Iterator[RowBlock]:
    """The rows of some row groups, in blocks that depend on the file alone.

    The column `descriptor` stays an Arrow array.

    Raises:
        UserError: the file is damaged.
    """
    with _open(part.file) as parquet:
        names = parquet.schema_arrow.names
        columns = [name for name in _FIELDS if name in names]
        metadata = parquet.metadata
        groups = range(part.start, part.stop or metadata.num_row_groups)
        position = sum(metadata.row_group(g).num_rows for g in range(part.start))
        rows = max(1, sum(metadata.row_group(g).num_rows for g in groups))
        size = sum(metadata.row_group(g).total_byte_size for g in groups)
        block_rows = max(1, min(block_rows, BLOCK_BYTES * rows // max(size, 1)))
        wanted = [*columns, "descriptor"] if "descriptor" in names else columns
        for name in wanted:
            if names.count(name) > 1:
                raise UserError(f"{part.file.path}: more than one column {name}")
        try:
            for batch in parquet.iter_batches(block_rows, groups, wanted):
                positions = list(range(position, position + batch.num_rows))
                position += batch.num_rows
                descriptors = batch.column("descriptor") if "descriptor" in names else None
                yield RowBlock(part.file, positions, _to_rows(batch.select(columns)), descriptors)
        except (pa.ArrowException, OSError) as error:
            raise UserError(f"{part.file.path}: a damaged Parquet file: {error}") from error


def _to_rows(batch: pa.RecordBatch) -> list[Row]:
    try:
        return batch.to_pylist()
    except Exception:  # see `_to_row`
        return [_to_row(batch.slice(i, 1)) for i in range(batch.num_rows)]


def _to_row(batch: pa.RecordBatch) -> Row:
    try:
        return batch.to_pylist()[0]
    except UnicodeDecodeError:  # Parquet does not check its strings
        return "not UTF-8"
    except Exception:  # of many kinds, for times that Python cannot hold
        return "a value that cannot be read"


def _open(file: InputFile) -> pq.ParquetFile:
    try:
        return pq.ParquetFile(storage.open_input(file.path))
    except (pa.ArrowException, OSError) as error:
        raise UserError(f"{file.path}: no Parquet file that can be read: {error}") from error
