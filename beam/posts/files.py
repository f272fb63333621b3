"""The files of the input: what a glob names, and how each format is read."""

import functools
import os
import zlib
from collections.abc import Callable, Iterator
from typing import Any

import apache_beam as beam
from apache_beam.pvalue import PCollection

from beam.posts.flags import AUTO
from beam.posts.rows import (
    RANGE_BYTES,
    FileRange,
    InputFile,
    Row,
    RowBlock,
    read_lines,
    read_parquet,
    split_lines,
    split_parquet,
)
from beam.posts.yfcc100m import parse_yfcc100m
from beam.running import storage
from tagkeras.cli.errors import UserError
from tagkeras.data.facts import FACTS, Fact
from tagkeras.data.posts_file import SUFFIXES, parse_json_line

# From a line to its row, of each format of lines; the other format is Parquet.
_PARSERS: dict[str, Callable[[bytes], Row]] = {
    "jsonl": parse_json_line,
    "yfcc100m": parse_yfcc100m,
    "yfcc100m_hash": functools.partial(parse_yfcc100m, by_hash=True),
}


def find_inputs(
    pattern: str, file_format: str = AUTO, facts: tuple[Fact, ...] = FACTS
) -> list[InputFile]:
    """The files that a path, URI or glob names, in the order of their names.

    Their format is one of `beam.posts.flags.FORMATS`; `auto` goes by the suffix.

    Raises:
        UserError: there are none, or one is a folder or has another suffix.
    """
    found = storage.match(storage.absolute(pattern))
    if not found:
        raise UserError(
            f"--input={pattern}: no such file; give a path or a quoted glob, as in"
            " --input='posts/*.jsonl'"
        )
    # Of one file the name alone; of several what tells them apart.
    folders = os.path.commonprefix([p.split("/")[:-1] for p, _ in found])  # noqa: RUF071 - lists
    return [
        InputFile(
            index,
            path,
            size,
            _format_of(path, pattern) if file_format == AUTO else file_format,
            "/".join(path.split("/")[len(folders) :]),
            facts,
        )
        for index, (path, size) in enumerate(found)
    ]


def _format_of(path: str, pattern: str) -> str:
    if not path.endswith(SUFFIXES):
        raise UserError(
            f"--input={pattern}: {path} is none of {', '.join(SUFFIXES)};"
            " of a folder name the files, as in --input='posts/*.jsonl'"
        )
    return "parquet" if path.endswith(".parquet") else "jsonl"


@beam.ptransform_fn
def read_files(files: PCollection[Any], block_rows: int, range_bytes: int) -> PCollection[Any]:
    """From `InputFile`s to `RowBlock`s, in ranges that different workers may take.

    Blocks have at most `block_rows` rows; ranges of text have `range_bytes`.
    """
    return (
        files
        | "SplitFiles" >> beam.FlatMap(split_file, range_bytes)
        | "SpreadRanges" >> beam.Reshuffle()
        | "ReadRanges" >> beam.FlatMap(read_range, block_rows)
    )


def split_file(file: InputFile, range_bytes: int = RANGE_BYTES) -> Iterator[FileRange]:
    """The ranges of a file: any one reading of all of them sees each row once.

    Raises:
        UserError: it should be Parquet, and is not.
    """
    if file.format == "parquet":
        return split_parquet(file)
    return split_lines(file, range_bytes)


def read_range(part: FileRange, rows: int) -> Iterator[RowBlock]:
    """The rows of a range, in blocks of at most `rows`.

    Raises:
        UserError: the file cannot be read.
    """
    try:
        if part.file.format == "parquet":
            yield from read_parquet(part, rows)
        else:
            yield from read_lines(part, rows, _PARSERS[part.file.format])
    except (OSError, EOFError, zlib.error) as error:
        raise UserError(f"{part.file.path}: cannot be read: {storage.explain(error)}") from error


def read_rows(file: InputFile, rows: int) -> Iterator[RowBlock]:
    """All the rows of a file, in blocks."""
    for part in split_file(file):
        yield from read_range(part, rows)
