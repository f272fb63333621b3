"""Staging blocks of posts: each becomes a file that the second pass reads."""

# Beam has type hints for a part of its functions only.
# mypy: allow-untyped-calls

import dataclasses
from collections import Counter
from collections.abc import Iterator
from typing import Any

import apache_beam as beam
import numpy as np
from apache_beam.metrics.metric import Metrics
from apache_beam.pvalue import TaggedOutput

from beam.posts.post_block import PostBlock
from beam.staging.duplicates import take_ids
from tagkeras.data.manifest import SPLITS


@dataclasses.dataclass(frozen=True)
class StagedBlock:
    """What is known of a block that was staged.

    Attributes:
        name: of the block.
        num_posts: that were staged.
        posts_of_splits: the same for each split; empty where posts have none.
        size: of the staged posts, in bytes.
        posts_read: rows of the block.
        rejected: rows by reason.
        hashtags_refused: of the posts.
        examples: for each reason, what was wrong with the first such row, and where.
    """

    name: str
    num_posts: int
    posts_of_splits: list[int]
    size: int
    posts_read: int
    rejected: dict[str, int]
    hashtags_refused: int
    examples: dict[str, str]


class StageBlocks(beam.DoFn):
    """Stages `PostBlock`s; gives a `StagedBlock` for each and, tagged `IDS`, the posts' ids."""

    IDS = "ids"

    def __init__(self, folder: str) -> None:
        self._folder = folder

    def process(self, block: PostBlock) -> Iterator[Any]:
        """One block, one file."""
        block.stage(self._folder)
        rejected = Counter(row["reason"] for row in block.rejected)
        Metrics.counter("posts", "read").inc(block.posts_read)
        for reason, count in rejected.items():
            Metrics.counter("rejected", reason).inc(count)
        splits: list[int] = []
        if "split" in block.posts.schema.names:
            of_posts = block.posts.column("split").to_numpy()
            splits = np.bincount(of_posts, minlength=len(SPLITS)).tolist()
        yield StagedBlock(
            name=block.name,
            num_posts=len(block),
            posts_of_splits=splits,
            size=block.posts.nbytes,
            posts_read=block.posts_read,
            rejected=dict(rejected),
            hashtags_refused=block.hashtags_refused,
            examples={
                row["reason"]: f"{row['detail']} ({row['source']})"
                for row in reversed(block.rejected)
            },
        )
        for ids in take_ids(block):
            yield TaggedOutput(self.IDS, ids)
