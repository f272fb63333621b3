"""Staged blocks: what a pass leaves in the staging folder for the next one."""

# Beam has type hints for a part of its functions only.
# mypy: allow-untyped-calls

import dataclasses
import json
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import apache_beam as beam
import numpy as np
from apache_beam.metrics.metric import Metrics
from apache_beam.pvalue import PCollection, TaggedOutput
from apache_beam.transforms import combiners

from beam.blocks import PostBlock
from tagkeras import files
from tagkeras.data.manifest import SPLITS

# Groups in which doubles are looked for; each holds its share of all ids at once.
_BUCKETS = 64
# A post's id, as the two halves of its digest, and where the post stands.
ID_ROW = np.dtype([("high", "<u8"), ("low", "<u8"), ("row_key", "<i8")])


@dataclasses.dataclass(frozen=True)
class StagedBlock:
    """What is known of a block that was staged.

    Attributes:
        name: of the block.
        posts: that were staged, for each split.
        size: of the staged posts, in bytes.
        posts_read: rows of the block.
        rejected: rows by reason.
        hashtags_refused: of the posts.
        examples: for each reason, what was wrong with the first such row, and where.
    """

    name: str
    posts: list[int]
    size: int
    posts_read: int
    rejected: dict[str, int]
    hashtags_refused: int
    examples: dict[str, str]


class StageBlocks(beam.DoFn):
    """Stages `PostBlock`s; gives a `StagedBlock` for each and, tagged `IDS`, the posts' ids.

    The ids are pairs of a bucket and the bytes of an array of `ID_ROW`.
    """

    IDS = "ids"

    def __init__(self, folder: str) -> None:
        self._folder = Path(folder)
        self._read = Metrics.counter("preprocess", "posts_read")

    def process(self, block: PostBlock) -> Iterator[Any]:
        """One block, one file."""
        block.stage(self._folder)
        self._read.inc(block.posts_read)
        rejected = Counter(row["reason"] for row in block.rejected)
        for reason, count in rejected.items():
            Metrics.counter("rejected", reason).inc(count)
        yield StagedBlock(
            name=block.name,
            posts=np.bincount(block.splits, minlength=len(SPLITS)).tolist(),
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


def take_ids(block: PostBlock) -> Iterator[tuple[int, bytes]]:
    """The ids of the posts of a block, in buckets."""
    rows = np.empty(len(block), ID_ROW)
    digests = b"".join(block.posts.column("post_digest").to_pylist())
    rows["high"], rows["low"] = np.frombuffer(digests, "<u8").reshape(-1, 2).T
    rows["row_key"] = block.posts.column("row_key").to_numpy()
    buckets = rows["high"] % _BUCKETS
    for bucket in np.unique(buckets).tolist():
        yield bucket, rows[buckets == bucket].tobytes()


class WriteList(beam.PTransform[Any, Any]):
    """Writes all elements to one JSON file, as a list.

    Args:
        path: of the file.
        encode: from an element to what JSON holds.
    """

    def __init__(self, path: Path, encode: Callable[[Any], Any]) -> None:
        super().__init__()
        self._path = path
        self._encode = encode

    def expand(self, elements: PCollection[Any]) -> PCollection[Any]:
        """Applies the transform."""
        path = self._path
        return (
            elements
            | "Encode" >> beam.Map(self._encode)
            | "ToList" >> combiners.ToList()
            | "Write" >> beam.Map(lambda values: files.write_text(path, json.dumps(values)))
        )
