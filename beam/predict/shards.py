"""From staged predictions to Parquet files."""

# Beam has type hints for a part of its functions only.
# mypy: allow-untyped-calls

import dataclasses
import functools
from collections import Counter
from collections.abc import Iterable, Iterator

import apache_beam as beam
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from apache_beam.metrics.metric import Metrics

from beam.running import storage
from beam.staging.shards import ShardFiles, ShardPlan, ShardReader
from beam.staging.staging_folder import StagingFolder

FOLDER = "predictions"


@dataclasses.dataclass(eq=False)
class WritePredictionShard(beam.DoFn):
    """Writes the Parquet file of a `ShardPlan`, if it has posts; counts both.

    Attributes:
        output: folder of the predictions and rejected posts.
        staging: what the first pass left.
    """

    output: str
    staging: StagingFolder

    def setup(self) -> None:
        """Reads what the first pass found out."""
        self._reader = ShardReader(self.staging, self.output)

    def process(self, plan: ShardPlan) -> Iterator[Counter[str]]:
        """One plan, at most one file of predictions and one of rejected posts."""
        written, folder = Counter(shards=0, posts=0), storage.join(self.output, FOLDER)
        with ShardFiles(plan) as files:
            for posts in self._reader.read(plan, files):
                table = _to_output(posts)
                open_writer = functools.partial(pq.ParquetWriter, schema=table.schema)
                files.writer(folder, ".parquet", open_writer).write_table(table)
                written["posts"] += len(table)
        written["shards"] = int(written["posts"] > 0)
        Metrics.counter("written", "predictions").inc(written["posts"])
        yield written


def add_up(written: Iterable[Counter[str]]) -> Counter[str]:
    """The sum of what `WritePredictionShard` gives."""
    total = Counter(shards=0, posts=0)
    for counts in written:
        total.update(counts)
    return total


def _to_output(posts: pa.Table) -> pa.Table:
    """What is written of posts: their ids as texts, and what was predicted as plain lists."""
    table = posts.drop_columns(["row_key", "post_digest"])
    ids = pc.cast(table.column("post_id"), pa.string())
    table = table.set_column(table.schema.get_field_index("post_id"), "post_id", ids)
    for index, field in enumerate(table.schema):
        if pa.types.is_fixed_size_list(field.type):
            plain = pc.cast(table.column(index), pa.list_(field.type.value_type))
            table = table.set_column(index, field.name, plain)
    return table
