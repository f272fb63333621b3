"""The folder that the passes of a run share: staged blocks of posts, and what is known of them."""

import dataclasses
import json
import operator
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import apache_beam as beam
import numpy as np
import pyarrow as pa
from apache_beam.metrics.metric import Metrics
from apache_beam.pvalue import TaggedOutput

from beam.posts.parse import OTHER_COUNTRY, PostBlock
from beam.running import storage
from beam.staging.duplicates import take_ids

# In the metadata of a staged block: where its posts stand.
SOURCE = b"source"


@dataclasses.dataclass(frozen=True)
class StagedBlock:
    """What is known of a block, a `PostBlock`, that was staged.

    Attributes:
        size: of the staged posts, in bytes.
        rejected: rows by reason.
        examples: for each reason, what was wrong with the first such row, and where.
    """

    name: str
    num_posts: int
    size: int
    posts_read: int
    rejected: dict[str, int]
    dropped: int
    hashtags_refused: int
    examples: dict[str, str]


class StagingFolder:
    """The files that passes leave in a folder that launcher and workers see.

    Attributes:
        path: of the folder, local or a URI.
        blocks: the folder of staged blocks.
        block_list: what is known of all staged blocks.
        duplicates: sorted row keys of posts whose id came before.
        vocabulary: of a dataset.
        statistics: what else is known of the training posts of a dataset.
        summary: what the last pass wrote.
    """

    def __init__(self, path: str) -> None:
        self.path = path
        self.blocks = storage.join(path, "blocks")
        self.block_list = storage.join(path, "blocks.json")
        self.duplicates = storage.join(path, "duplicates.npy")
        self.vocabulary = storage.join(path, "vocabulary.tsv")
        self.statistics = storage.join(path, "statistics.json")
        self.summary = storage.join(path, "summary.json")

    def stage(self, block: PostBlock) -> None:
        """Writes the posts and the rejected rows of a block, each file in one step."""
        if block.rejected:
            lines = [json.dumps(row) + "\n" for row in block.rejected]
            storage.write_text(self._rejected_path(block.name), "".join(lines))
        schema = block.posts.schema.with_metadata({SOURCE: block.source.encode()})
        with (
            storage.writing(self._posts_path(block.name)) as local,
            pa.OSFile(str(local), "wb") as sink,
            pa.ipc.new_file(sink, schema) as writer,
        ):
            writer.write_batch(block.posts)

    def read(self, name: str, columns: list[str] | None = None) -> pa.Table:
        """The posts of a staged block: the named columns, by default all."""
        with (
            storage.reading(self._posts_path(name)) as local,
            pa.memory_map(str(local)) as source,
        ):
            reader = pa.ipc.open_file(source)
            if columns is not None:
                fields = [reader.schema.get_field_index(column) for column in columns]
                options = pa.ipc.IpcReadOptions(included_fields=fields)
                reader = pa.ipc.open_file(source, options=options)
            return reader.read_all()

    def read_rejected(self, name: str) -> str:
        """The rejected rows of a staged block that has some, as lines."""
        return storage.read_text(self._rejected_path(name))

    def save_blocks(self, blocks: list[StagedBlock]) -> None:
        """Writes `block_list`, in the order of the input."""
        in_order = sorted(map(vars, blocks), key=operator.itemgetter("name"))
        storage.write_text(self.block_list, json.dumps(in_order))

    def load_blocks(self) -> list[StagedBlock]:
        """What `save_blocks` wrote."""
        return [StagedBlock(**block) for block in json.loads(storage.read_text(self.block_list))]

    def save_duplicates(self, row_keys: np.ndarray) -> None:
        """Writes `duplicates`."""
        with storage.writing(self.duplicates) as local, local.open("wb") as stream:
            np.save(stream, row_keys)

    def load_duplicates(self) -> np.ndarray:
        """What `save_duplicates` wrote."""
        with storage.reading(self.duplicates) as local:
            return np.load(local)

    def count_staged(self) -> int:
        """Posts read in the blocks that are staged by now."""
        found = storage.match(storage.join(self.blocks, "*.arrow"))
        # The name of a block ends with the number of its rows.
        return sum(int(Path(file.path).stem.rpartition("-")[2]) for file in found)

    def _posts_path(self, name: str) -> str:
        return storage.join(self.blocks, f"{name}.arrow")

    def _rejected_path(self, name: str) -> str:
        return storage.join(self.blocks, f"{name}.rejected.jsonl")


@dataclasses.dataclass(eq=False)
class StageBlocks(beam.DoFn):
    """Stages `PostBlock`s; gives a `StagedBlock` for each and, tagged `IDS`, the posts' ids."""

    staging: StagingFolder
    IDS: ClassVar[str] = "ids"

    def process(self, block: PostBlock) -> Iterator[Any]:
        """One block, one file."""
        self.staging.stage(block)
        rejected = Counter(row["reason"] for row in block.rejected)
        Metrics.counter("posts", "read").inc(block.posts_read)
        Metrics.counter("dropped", OTHER_COUNTRY).inc(block.dropped)
        for reason, count in rejected.items():
            Metrics.counter("rejected", reason).inc(count)
        yield StagedBlock(
            name=block.name,
            num_posts=len(block),
            size=block.posts.nbytes,
            posts_read=block.posts_read,
            rejected=dict(rejected),
            dropped=block.dropped,
            hashtags_refused=block.hashtags_refused,
            examples={
                row["reason"]: f"{row['detail']} ({row['source']})"
                for row in reversed(block.rejected)
            },
        )
        for ids in take_ids(block):
            yield TaggedOutput(self.IDS, ids)
