"""The files of the input: what a glob names, and how each format is read."""

# Beam has type hints for a part of its functions only.
# mypy: allow-untyped-calls

import dataclasses
import functools
import os
import zlib
from collections.abc import Callable, Iterator
from typing import Any

import apache_beam as beam
from apache_beam.pvalue import PCollection

from beam.posts.flags import AUTO
from beam.posts.rows import (
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
from tagkeras.data.posts_file import parse_json_line


@dataclasses.dataclass(frozen=True)
class Format:
    """How files of a kind are read.

    Attributes:
        split: from a file, and the bytes of a range if they are not to be the usual ones, to the
            ranges that different workers may take.
        read: from a range, and the rows in a block at most, to the blocks.
        suffixes: of such files; empty for a format that has to be named.
    """

    split: Callable[[InputFile, int | None], Iterator[FileRange]]
    read: Callable[[FileRange, int], Iterator[RowBlock]]
    suffixes: tuple[str, ...] = ()


def _of_lines(parse: Callable[[bytes], Row], suffixes: tuple[str, ...] = ()) -> Format:
    return Format(split_lines, functools.partial(read_lines, parse=parse), suffixes)


_FORMATS = {
    "jsonl": _of_lines(parse_json_line, (".jsonl", ".jsonl.gz")),
    "parquet": Format(split_parquet, read_parquet, (".parquet",)),
    "yfcc100m": _of_lines(parse_yfcc100m),
    "yfcc100m_hash": _of_lines(functools.partial(parse_yfcc100m, by_hash=True)),
}


def find_inputs(pattern: str, file_format: str = AUTO) -> list[InputFile]:
    """The files that a glob names, in the order of their names.

    Args:
        pattern: path, URI or glob.
        file_format: one of `beam.posts.flags.FORMATS`; `auto` goes by the suffix.

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
        )
        for index, (path, size) in enumerate(found)
    ]


def _format_of(path: str, pattern: str) -> str:
    for name, candidate in _FORMATS.items():
        if candidate.suffixes and path.endswith(candidate.suffixes):
            return name
    suffixes = [suffix for known in _FORMATS.values() for suffix in known.suffixes]
    raise UserError(
        f"--input={pattern}: {path} is none of {', '.join(suffixes)};"
        " of a folder name the files, as in --input='posts/*.jsonl'"
    )


class ReadRows(beam.PTransform[Any, Any]):
    """From `InputFile`s to `RowBlock`s, in ranges that different workers may take.

    Args:
        block_rows: rows in a block, at most.
        range_bytes: of text that a worker takes at a time; None for the usual.
    """

    def __init__(self, block_rows: int, range_bytes: int | None = None) -> None:
        super().__init__()
        self._block_rows = block_rows
        self._range_bytes = range_bytes

    def expand(self, files: PCollection[Any]) -> PCollection[Any]:
        """Applies the transform."""
        return (
            files
            | "SplitFiles" >> beam.FlatMap(split_file, self._range_bytes)
            | "SpreadRanges" >> beam.Reshuffle()
            | "ReadRanges" >> beam.FlatMap(functools.partial(read_range, rows=self._block_rows))
        )


def split_file(file: InputFile, range_bytes: int | None = None) -> Iterator[FileRange]:
    """The ranges of a file: any one reading of all of them sees each row once."""
    return _FORMATS[file.format].split(file, range_bytes)


def read_range(part: FileRange, rows: int) -> Iterator[RowBlock]:
    """The rows of a range, in blocks of at most `rows`.

    Raises:
        UserError: the file cannot be read.
    """
    try:
        yield from _FORMATS[part.file.format].read(part, rows)
    except (OSError, EOFError, zlib.error) as error:
        raise UserError(f"{part.file.path}: cannot be read: {storage.explain(error)}") from error


def read_rows(file: InputFile, rows: int) -> Iterator[RowBlock]:
    """All the rows of a file, in blocks."""
    for part in split_file(file):
        yield from read_range(part, rows)
