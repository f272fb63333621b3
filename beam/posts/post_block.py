"""Blocks of checked posts, as they go through the pipeline and lie staged between its passes."""

import dataclasses
import json
from collections.abc import Sequence
from typing import Any

import pyarrow as pa

from beam.running import storage
from tagkeras.data.posts import PostError

# A row's key: the number of its file and its place there, in one int64.
_POSITION_BITS = 40


def row_key(file_index: int, position: int) -> int:
    """One number for a row of the input; their order is that of the input."""
    return file_index << _POSITION_BITS | position


def name_place(key: int, sources: Sequence[str]) -> str:
    """Where the row with a key stands, for people.

    Args:
        key: of `row_key`.
        sources: `InputFile.place` of the input files.
    """
    return f"{sources[key >> _POSITION_BITS]} {key & ((1 << _POSITION_BITS) - 1)}"


def rejection(post_id: bytes | None, error: PostError, source: str) -> dict[str, Any]:
    """What `rejected/*.jsonl` says of a post.

    Args:
        post_id: as it would be written; None if the post has none.
        error: why it is refused.
        source: of `name_place`.
    """
    return {
        "post_id": None if post_id is None else post_id.decode(),
        "reason": error.reason,
        "detail": error.detail,
        "source": source,
    }


@dataclasses.dataclass(frozen=True, eq=False)
class PostBlock:
    """Posts of one `RowBlock`.

    Attributes:
        name: of the block, the same whatever the runner.
        posts: a row each of `row_key` int64, `post_id` binary (as it will be written),
            `post_digest` binary (of the id as given), `user_id` binary (hidden, of labelled posts),
            the pipeline's own `PostColumns`, and either `image` (binary path or content) and
            `is_path`, or `descriptor` (binary: n raw little-endian values).
        rejected: rows that are no posts, with `post_id`, `reason`, `detail`, `source`.
        posts_read: rows of the block.
        hashtags_refused: of the posts in it.
    """

    name: str
    posts: pa.RecordBatch
    rejected: list[dict[str, Any]]
    posts_read: int
    hashtags_refused: int

    def __len__(self) -> int:
        return self.posts.num_rows

    def stage(self, folder: str) -> None:
        """Writes the posts and the rejected rows, each file in one step."""
        if self.rejected:
            lines = [json.dumps(row) + "\n" for row in self.rejected]
            storage.write_text(rejected_path(folder, self.name), "".join(lines))
        with (
            storage.writing(posts_path(folder, self.name)) as local,
            pa.OSFile(str(local), "wb") as sink,
            pa.ipc.new_file(sink, self.posts.schema) as writer,
        ):
            writer.write_batch(self.posts)


def read_staged(folder: str, name: str, columns: list[str] | None = None) -> pa.Table:
    """The posts of a staged block: the named columns, by default all."""
    with (
        storage.reading(posts_path(folder, name)) as local,
        pa.memory_map(str(local)) as source,
    ):
        reader = pa.ipc.open_file(source)
        if columns is not None:
            fields = [reader.schema.get_field_index(column) for column in columns]
            options = pa.ipc.IpcReadOptions(included_fields=fields)
            reader = pa.ipc.open_file(source, options=options)
        return reader.read_all()


def posts_path(folder: str, name: str) -> str:
    """The file of a staged block's posts."""
    return storage.join(folder, f"{name}.arrow")


def rejected_path(folder: str, name: str) -> str:
    """The file of a staged block's rejected rows; it is absent if there are none."""
    return storage.join(folder, f"{name}.rejected.jsonl")
