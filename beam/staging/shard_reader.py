"""The posts of a shard, from staged blocks, and the file of its rejected ones."""

import contextlib
import dataclasses
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TextIO

import numpy as np
import pyarrow as pa

from beam.posts.post_block import read_staged, rejected_path
from beam.running import storage
from beam.staging.duplicates import is_among, reject_duplicates
from beam.staging.plans import ShardPlan
from beam.staging.staging_folder import StagingFolder


@dataclasses.dataclass(frozen=True)
class ShardReader:
    """Reads the posts of shards.

    Attributes:
        staging: where the first pass left them.
        duplicates: sorted row keys of posts to reject.
        sources: `InputFile.place` of the input files.
    """

    staging: StagingFolder
    duplicates: np.ndarray
    sources: Sequence[str]

    def read(self, plan: ShardPlan, reject: Callable[[str], None]) -> Iterator[pa.Table]:
        """The posts of a shard, part by part.

        Args:
            plan: of the shard.
            reject: called with the lines of `rejected/*.jsonl` that belong to the shard.
        """
        blocks = self.staging.blocks
        for name, first, step in plan.parts:
            if name in plan.with_rejected:
                reject(storage.read_text(rejected_path(blocks, name)))
            posts = read_staged(blocks, name)
            is_duplicate = is_among(posts.column("row_key").to_numpy(), self.duplicates)
            mine = np.arange(posts.num_rows) % step == first
            for line in reject_duplicates(posts.filter(is_duplicate & mine), self.sources):
                reject(line)
            posts = posts.filter(~is_duplicate & mine)
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
