"""Reads posts from a file: rows of JSON Lines, plain or gzipped, or of Parquet.

What a line or a Parquet row is, is said here for `beam.posts` too, which reads in parallel and from
any file system.
"""

import contextlib
import gzip
import json
import zlib
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from tagkeras.cli.errors import UserError
from tagkeras.cli.progress import progress
from tagkeras.data.facts import FACTS, Fact, is_missing
from tagkeras.data.posts import FIELDS, Post, PostError, check_content, parse_post

SUFFIXES = (".jsonl", ".jsonl.gz", ".parquet")
BYTE_ORDER_MARK = b"\xef\xbb\xbf"
# The fields of a row by name; or what keeps it from being read.
Row = dict[str, Any] | str

# How many bad posts an error names.
_MOST_NAMED = 3
_PARQUET_ROWS = 1024
# Beam cannot send objects between workers that are much deeper.
_MAX_DEPTH = 32


class PlacedPost(NamedTuple):
    """A post of a file.

    Attributes:
        place: in the file, such as "line 3".
        post: checked.
        descriptor: what the row has under that name; None for a post with an image.
    """

    place: str
    post: Post
    descriptor: Any


def read_posts(
    path: Path, *, facts: Sequence[Fact] = FACTS, labelled: bool = True
) -> list[PlacedPost]:
    """All the posts of a `.jsonl`, `.jsonl.gz` or `.parquet` file, in its order.

    Posts have the values of `facts`; `labelled` posts must have a user and hashtags.

    Raises:
        UserError: no such file, another format, no post in it, or posts that cannot be used, of
            which the first are named: none is left out silently.
    """
    posts: list[PlacedPost] = []
    errors: list[tuple[str, PostError]] = []
    places: dict[str, str] = {}
    for place, row in read_rows(path, facts=facts):
        try:
            if isinstance(row, str):
                raise PostError("malformed_row", row)
            post = parse_post(row, facts=facts, labelled=labelled)
            descriptor = row.get("descriptor")
            check_content(post, not is_missing(descriptor))
            if post.post_id in places:
                first = places[post.post_id]
                raise PostError("duplicate_post_id", f"post_id: that of {first} again")
        except PostError as error:
            errors.append((place, error))
        else:
            places[post.post_id] = place
            posts.append(PlacedPost(place, post, descriptor))
    refuse_bad_posts(path, errors, len(posts) + len(errors))
    if not posts:
        raise UserError(f"{path} has no posts")
    return posts


def refuse_bad_posts(path: Path, errors: list[tuple[str, PostError]], num_posts: int) -> None:
    """Names the first posts of a file that cannot be used, by their places.

    Raises:
        UserError: there are any.
    """
    if not errors:
        return
    named = "; ".join(f"{place}: {error}" for place, error in errors[:_MOST_NAMED])
    more = "; ..." if len(errors) > _MOST_NAMED else ""
    raise UserError(
        f"{path}: {len(errors)} of {num_posts} posts cannot be used, mend them or take them out:"
        f" {named}{more}"
    )


def read_rows(
    path: Path, post_ids: Collection[str] | None = None, facts: Sequence[Fact] = FACTS
) -> Iterator[tuple[str, Row]]:
    """The rows of a file, in its order, however long it is.

    Args:
        path: of a `.jsonl`, `.jsonl.gz` or `.parquet` file.
        post_ids: rows with one of these are wanted, with progress on the screen; None for all.
        facts: that rows are to have.

    Yields:
        The place of each row, such as "line 3", and its fields, or what keeps it from being read.

    Raises:
        UserError: no such file, another format, or a file that is damaged.
    """
    if not path.name.endswith(SUFFIXES):
        raise UserError(f"{path}: posts are read from {', '.join(SUFFIXES)}")
    if not path.is_file():
        raise UserError(f"{path}: no such file")
    wanted = None if post_ids is None else frozenset(post_ids)
    try:
        if path.suffix == ".parquet":
            fields = (*FIELDS, *(fact.name for fact in facts), "descriptor")
            yield from _read_parquet(path, wanted, fields)
        else:
            yield from _read_lines(path, wanted)
    except (pa.ArrowException, OSError, EOFError, zlib.error) as error:
        raise UserError(f"{path}: cannot be read: {error}") from error


def parse_json_line(line: bytes) -> Row:
    """The object of a line, or what is wrong with it."""
    try:
        row = json.loads(line.decode())
    except UnicodeDecodeError:
        return "not UTF-8"
    except (ValueError, RecursionError):
        return "not JSON"
    if not isinstance(row, dict):
        return "not a JSON object"
    # Few lines have enough brackets to need a closer look.
    if line.count(b"[") + line.count(b"{") > _MAX_DEPTH and _is_deeper(row, _MAX_DEPTH):
        return f"nested more than {_MAX_DEPTH} deep"
    return row


def parse_parquet_rows(batch: pa.RecordBatch) -> list[Row]:
    """The rows of a batch; of each that Python cannot hold, what is wrong with it."""
    try:
        return batch.to_pylist()
    except Exception:  # of many kinds: one by one
        return [_parse_parquet_row(batch.slice(i, 1)) for i in range(batch.num_rows)]


def _read_lines(path: Path, wanted: frozenset[str] | None) -> Iterator[tuple[str, Row]]:
    with (
        path.open("rb") as file,
        gzip.open(file) if path.suffix == ".gz" else file as lines,
        _progress(path, path.stat().st_size, "bytes", wanted) as advance,
    ):
        done = 0
        for number, line in enumerate(lines, start=1):
            advance(file.tell() - done)
            done = file.tell()
            if number == 1:
                line = line.removeprefix(BYTE_ORDER_MARK)
            if not line.strip():
                continue
            row = parse_json_line(line)
            post_id = row.get("post_id") if isinstance(row, dict) else None
            if wanted is None or str(post_id) in wanted:
                yield f"line {number}", row


def _read_parquet(
    path: Path, wanted: frozenset[str] | None, fields: Sequence[str]
) -> Iterator[tuple[str, Row]]:
    ids = None if wanted is None else pa.array(sorted(wanted), pa.string())
    with (
        pq.ParquetFile(path) as file,
        _progress(path, file.metadata.num_rows, "posts", wanted) as advance,
    ):
        names = set(file.schema_arrow.names)
        if ids is not None and "post_id" not in names:
            raise UserError(f"{path} has no column post_id")
        columns = [name for name in fields if name in names]
        first = 1
        for batch in file.iter_batches(_PARQUET_ROWS, columns=columns):
            advance(len(batch))
            numbers = list(range(first, first + len(batch)))
            first += len(batch)
            if ids is not None:
                # Only wanted rows become Python objects: the others may hold images.
                is_wanted = pc.is_in(batch.column("post_id").cast(pa.string()), value_set=ids)
                numbers = pa.array(numbers).filter(is_wanted).to_pylist()
                batch = batch.filter(is_wanted)
            for number, row in zip(numbers, parse_parquet_rows(batch), strict=True):
                yield f"row {number}", row


def _progress(
    path: Path, total: int, unit: str, wanted: frozenset[str] | None
) -> contextlib.AbstractContextManager[Any]:
    """Progress where some rows are looked for in a file that may be long."""
    if wanted is None:
        return contextlib.nullcontext(lambda done: None)
    return progress(f"reading {path.name}", total, unit)


def _parse_parquet_row(row: pa.RecordBatch) -> Row:
    try:
        return row.to_pylist()[0]
    except UnicodeDecodeError:  # Parquet does not check its strings
        return "not UTF-8"
    except Exception:  # of many kinds, for times that Python cannot hold
        return "a value that cannot be read"


def _is_deeper(value: Any, depth: int) -> bool:
    """Whether lists and objects are in each other more than so many deep."""
    if not isinstance(value, (dict, list)):
        return False
    parts = value.values() if isinstance(value, dict) else value
    return depth == 0 or any(_is_deeper(part, depth - 1) for part in parts)
