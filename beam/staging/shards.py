"""The shards of the output: which staged posts each takes, and their reading."""

import contextlib
import dataclasses
import json
import math
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from beam.posts.parse import rejection
from beam.running import storage
from beam.staging.duplicates import DUPLICATE, is_among
from beam.staging.staging_folder import SOURCE, StagedBlock, StagingFolder
from tagkeras.data.posts import PostError

# By default: at least so many, to be mixed in training, each of about this size at most.
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
    """Spreads blocks over shards, the same on every runner; no post is moved.

    `num_shards` of None is chosen by size.
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


class ShardFiles(contextlib.ExitStack):
    """The files of a shard, named after its plan: each made when there is something to write."""

    def __init__(self, plan: ShardPlan) -> None:
        super().__init__()
        self._plan = plan
        self._writers: dict[str, Any] = {}

    def writer(self, folder: str, suffix: str, open_writer: Callable[[Path], Any]) -> Any:
        """The writer of a file of this name, but for the suffix, in a folder, local or a URI."""
        path = storage.join(folder, f"{self._plan.name}{suffix}")
        if path not in self._writers:
            local = self.enter_context(storage.writing(path))
            self._writers[path] = self.enter_context(open_writer(local))
        return self._writers[path]

    def reject(self, output: str, lines: str) -> None:
        """Appends lines to the file of `rejected/` in an output folder."""
        folder = storage.join(output, "rejected")
        self.writer(folder, ".jsonl", lambda local: local.open("w", encoding="utf-8")).write(lines)


class ShardReader:
    """Reads the staged posts of shards; `rejected/` is in the folder `output`."""

    def __init__(self, staging: StagingFolder, output: str) -> None:
        self._staging = staging
        self._output = output
        self._duplicates = staging.load_duplicates()

    def read(self, plan: ShardPlan, files: ShardFiles) -> Iterator[pa.Table]:
        """The posts of a shard, part by part; those that are rejected go to `files`."""
        for name, first, step in plan.parts:
            if name in plan.with_rejected:
                files.reject(self._output, self._staging.read_rejected(name))
            posts = self._staging.read(name)
            is_duplicate = is_among(posts.column("row_key").to_numpy(), self._duplicates)
            mine = np.arange(posts.num_rows) % step == first
            for line in _reject_duplicates(posts.filter(is_duplicate & mine)):
                files.reject(self._output, line)
            posts = posts.filter(~is_duplicate & mine).replace_schema_metadata(None)
            if posts.num_rows:
                yield posts


def _reject_duplicates(posts: pa.Table) -> Iterator[str]:
    """Lines of `rejected/*.jsonl` for staged posts whose id came before."""
    error = PostError(DUPLICATE, "post_id: an earlier post has it")
    source = posts.schema.metadata[SOURCE].decode()
    for post in posts.select(["post_id", "row_key"]).to_pylist():
        yield json.dumps(rejection(post["post_id"], error, source, post["row_key"])) + "\n"
