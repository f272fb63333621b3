"""A file of example posts: its rows, checked, each with its place for people."""

import gzip
import json
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

from tagkeras.cli.errors import UserError
from tagkeras.data.posts import Post, PostError, parse_post

SUFFIXES = (".jsonl", ".jsonl.gz", ".parquet")
# How many bad posts an error names.
_MOST_NAMED = 3


class ExamplePost(NamedTuple):
    """A post of the file.

    Attributes:
        place: such as "line 3".
        post: checked.
        descriptor: what the row has under that name; None for a post with an image.
    """

    place: str
    post: Post
    descriptor: Any


def read_posts(path: Path) -> list[ExamplePost]:
    """All the posts of a `.jsonl`, `.jsonl.gz` or `.parquet` file, in its order.

    Raises:
        UserError: no such file, another format, no post in it, or posts that cannot be used, of
            which the first are named: none is left out without a word.
    """
    posts: list[ExamplePost] = []
    errors: list[tuple[str, PostError]] = []
    places: dict[str, str] = {}
    for place, row in _read_rows(path):
        try:
            post = _parse(row)
            if post.post.post_id in places:
                first = places[post.post.post_id]
                raise PostError("duplicate_post_id", f"post_id: that of {first} again")
        except PostError as error:
            errors.append((place, error))
        else:
            places[post.post.post_id] = place
            posts.append(post._replace(place=place))
    refuse_bad_posts(path, errors, len(posts) + len(errors))
    if not posts:
        raise UserError(f"{path} has no posts")
    return posts


def refuse_bad_posts(path: Path, errors: list[tuple[str, PostError]], num_posts: int) -> None:
    """Names posts that cannot be used.

    Args:
        path: of their file.
        errors: their places, and what is wrong with each.
        num_posts: in the file.

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


def _parse(row: Any) -> ExamplePost:
    if not isinstance(row, dict):
        raise PostError("malformed_row", row if isinstance(row, str) else "not a JSON object")
    post, descriptor = parse_post(row), row.get("descriptor")
    if post.image is not None and descriptor is not None:
        raise PostError("image_and_descriptor", "both an image and a descriptor: give one")
    if post.image is None and descriptor is None:
        raise PostError("no_image", "neither an image nor a descriptor")
    return ExamplePost("", post, descriptor)


def _read_rows(path: Path) -> Iterator[tuple[str, Any]]:
    """Places and rows; of a row that cannot be read, what is wrong with it as a string."""
    if not path.name.endswith(SUFFIXES):
        raise UserError(f"{path}: posts are read of {', '.join(SUFFIXES)}")
    if not path.is_file():
        raise UserError(f"{path}: no such file")
    try:
        if path.suffix == ".parquet":
            rows = pq.read_table(path).to_pylist()
            yield from ((f"row {number}", row) for number, row in enumerate(rows, start=1))
        else:
            with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as lines:
                for number, line in enumerate(lines, start=1):
                    if line.strip():
                        yield f"line {number}", _parse_json(line)
    except (pa.ArrowException, UnicodeDecodeError, EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise UserError(f"{path}: cannot be read: {error}") from error


def _parse_json(line: bytes) -> Any:
    try:
        return json.loads(line.decode("utf-8-sig"))
    except UnicodeDecodeError:
        return "not UTF-8"
    except (ValueError, RecursionError):
        return "not JSON"
