"""The shards of the output: which staged posts each takes, and their reading."""

import contextlib
import dataclasses
import json
import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TextIO

import numpy as np
import pyarrow as pa

from beam.posts.post_block import rejection
from beam.running import storage
from beam.staging.duplicates import DUPLICATE, is_among
from beam.staging.staging_folder import SOURCE, StagedBlock, StagingFolder
from tagkeras.data.posts import PostError

# Shards of an output that does not say: some, to be mixed in training, and none too large.
MIN_SHARDS = 8
SHARD_BYTES = 128 * 2**20


@dataclasses.dataclass(frozen=True)
class ShardPlan:
    """What goes into one shard.

    Attributes:
        index: of the shard.
        parts: names of staged blocks, each with the first row to take and the step to the next.
        with_rejected: the blocks whose rejected rows are this shard's.
    """

    index: int
    parts: list[tuple[str, int, int]]
    with_rejected: frozenset[str] = frozenset()

    @property
    def name(self) -> str:
        """The shard's file name, without suffix."""
        return f"{self.index:05d}"


def plan_shards(blocks: Sequence[StagedBlock], num_shards: int | None) -> list[ShardPlan]:
    """Spreads blocks over shards, the same whatever the runner; no post is moved to do so.

    Args:
        blocks: all that were staged.
        num_shards: how many; None to choose by size.
    """
    names = sorted(block.name for block in blocks)
    if num_shards is None:
        size = sum(block.size for block in blocks)
        num_shards = min(len(names), max(MIN_SHARDS, math.ceil(size / SHARD_BYTES)))
    step = math.ceil(num_shards / max(len(names), 1))
    parts = [(name, first, step) for name in names for first in range(step)]
    with_rejected = {block.name for block in blocks if block.rejected}
    plans = []
    for index in range(num_shards):
        mine = parts[index::num_shards]
        first_parts = {name for name, first, _ in mine if first == 0}
        plans.append(ShardPlan(index, mine, frozenset(first_parts & with_rejected)))
    return plans


class ShardReader:
    """Reads the posts of shards.

    Args:
        staging: where the first pass left them.
    """

    def __init__(self, staging: StagingFolder) -> None:
        self._staging = staging
        self._duplicates = staging.load_duplicates()

    def read(self, plan: ShardPlan, reject: Callable[[str], None]) -> Iterator[pa.Table]:
        """The posts of a shard, part by part.

        Args:
            plan: of the shard.
            reject: called with the lines of `rejected/*.jsonl` that belong to the shard.
        """
        for name, first, step in plan.parts:
            if name in plan.with_rejected:
                reject(self._staging.read_rejected(name))
            posts = self._staging.read(name)
            is_duplicate = is_among(posts.column("row_key").to_numpy(), self._duplicates)
            mine = np.arange(posts.num_rows) % step == first
            for line in _reject_duplicates(posts.filter(is_duplicate & mine)):
                reject(line)
            posts = posts.filter(~is_duplicate & mine).replace_schema_metadata(None)
            if posts.num_rows:
                yield posts


class RejectedFile:
    """A file of `rejected/`, made in one step, and only if there is anything to write.

    Args:
        output: folder that `rejected/` is in.
        plan: whose rejected posts it takes.
    """

    def __init__(self, output: str, plan: ShardPlan) -> None:
        self._path = storage.join(output, "rejected", f"{plan.name}.jsonl")
        self._stack = contextlib.ExitStack()
        self._stream: TextIO | None = None

    def __enter__(self) -> "RejectedFile":
        self._stack.__enter__()
        return self

    def __exit__(self, *error: Any) -> None:
        self._stack.__exit__(*error)

    def write(self, text: str) -> None:
        """Appends a text."""
        if self._stream is None:
            local = self._stack.enter_context(storage.writing(self._path))
            self._stream = self._stack.enter_context(local.open("w", encoding="utf-8"))
        self._stream.write(text)


def _reject_duplicates(posts: pa.Table) -> Iterator[str]:
    """Lines of `rejected/*.jsonl` for staged posts whose id came before."""
    error = PostError(DUPLICATE, "post_id: an earlier post has it")
    source = posts.schema.metadata[SOURCE].decode()
    for post in posts.select(["post_id", "row_key"]).to_pylist():
        yield json.dumps(rejection(post["post_id"], error, source, post["row_key"])) + "\n"
