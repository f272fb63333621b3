"""Blocks of checked posts, as they go through the pipeline."""

import dataclasses
from typing import Any

import pyarrow as pa

from tagkeras.data.posts import PostError

# A row's key: the number of its file and its place there, in one int64.
_POSITION_BITS = 40


def row_key(file_index: int, position: int) -> int:
    """One number for a row of the input; their order is that of the input."""
    return file_index << _POSITION_BITS | position


def rejection(post_id: bytes | None, error: PostError, source: str, key: int) -> dict[str, Any]:
    """What `rejected/*.jsonl` says of a post.

    Args:
        post_id: as it would be written; None if the post has none.
        error: why it is rejected.
        source: `InputFile.source` of its file.
        key: of `row_key`.
    """
    return {
        "post_id": None if post_id is None else post_id.decode(),
        "reason": error.reason,
        "detail": error.detail,
        "source": f"{source} {key & ((1 << _POSITION_BITS) - 1)}",
    }


@dataclasses.dataclass(frozen=True, eq=False)
class PostBlock:
    """Posts of one `RowBlock`.

    Attributes:
        name: of the block, the same whatever the runner.
        source: `InputFile.source` of its file.
        posts: a row each of `row_key` int64, `post_id` binary (as it will be written),
            `post_digest` binary (of the id as given), `user_id` binary (hidden, of labelled posts),
            the pipeline's own columns, and either `image` (binary path or content) and `is_path`,
            or `descriptor` (binary: n raw little-endian values).
        rejected: rows that are no posts, as `rejection` describes them.
        posts_read: rows of the block.
        hashtags_refused: of the posts in it.
    """

    name: str
    source: str
    posts: pa.RecordBatch
    rejected: list[dict[str, Any]]
    posts_read: int
    hashtags_refused: int

    def __len__(self) -> int:
        return self.posts.num_rows
