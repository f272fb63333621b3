"""Some rows of a file of posts, however long it is."""

import gzip
import json
import zlib
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from tagkeras.cli.errors import UserError
from tagkeras.cli.progress import progress

SUFFIXES = (".jsonl", ".jsonl.gz", ".parquet")


def read_rows(path: Path, wanted: Collection[str]) -> Iterator[dict[str, Any]]:
    """The rows of the file whose `post_id` is wanted, in its order.

    Args:
        path: of a `.jsonl`, `.jsonl.gz` or `.parquet` file.
        wanted: ids.

    Raises:
        UserError: no such file, or another format.
    """
    if not path.name.endswith(SUFFIXES):
        raise UserError(f"--posts={path}: posts are read of {', '.join(SUFFIXES)}")
    if not path.is_file():
        raise UserError(f"--posts={path}: no such file")
    read = _read_parquet if path.suffix == ".parquet" else _read_lines
    try:
        yield from read(path, frozenset(wanted))
    except (pa.ArrowException, OSError, EOFError, zlib.error) as error:
        raise UserError(f"--posts={path}: cannot be read: {error}") from error


def _read_lines(path: Path, wanted: frozenset[str]) -> Iterator[dict[str, Any]]:
    with (
        path.open("rb") as file,
        gzip.open(file) if path.suffix == ".gz" else file as lines,
        progress(f"reading {path.name}", path.stat().st_size, "bytes") as advance,
    ):
        done = 0
        for line in lines:
            advance(file.tell() - done)
            done = file.tell()
            try:
                row = json.loads(line.decode("utf-8-sig"))
            except (ValueError, RecursionError):
                continue  # beam.preprocess rejected it as well: it is no post of the split
            if isinstance(row, dict) and str(row.get("post_id")) in wanted:
                yield row


def _read_parquet(path: Path, wanted: frozenset[str]) -> Iterator[dict[str, Any]]:
    ids = pa.array(sorted(wanted), pa.string())
    file = pq.ParquetFile(path)
    if "post_id" not in file.schema_arrow.names:
        raise UserError(f"--posts={path} has no column post_id")
    with progress(f"reading {path.name}", file.metadata.num_rows, "posts") as advance:
        for batch in file.iter_batches(batch_size=4096):
            advance(len(batch))
            # Only wanted rows become Python objects: the others may hold images.
            is_wanted = pc.is_in(batch.column("post_id").cast(pa.string()), value_set=ids)
            yield from batch.filter(is_wanted).to_pylist()
