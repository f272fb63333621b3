"""From staged predictions to Parquet files."""

# Beam has type hints for a part of its functions only.
# mypy: allow-untyped-calls

import contextlib
import json
from collections.abc import Iterable, Iterator

import apache_beam as beam
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from apache_beam.metrics.metric import Metrics

from beam.running import storage
from beam.staging.shards import RejectedFile, ShardPlan, ShardReader
from beam.staging.staging_folder import StagingFolder

FOLDER = "predictions"


class WritePredictionShard(beam.DoFn):
    """Writes the Parquet file of a `ShardPlan`, if it has posts; gives their number.

    Args:
        output: folder of the predictions and rejected posts.
        staging: what the first pass left.
    """

    def __init__(self, output: str, staging: StagingFolder) -> None:
        self._output = output
        self._staging = staging

    def setup(self) -> None:
        """Reads what the first pass found out."""
        self._reader = ShardReader(self._staging)

    def process(self, plan: ShardPlan) -> Iterator[int]:
        """One plan, at most one file of predictions and one of rejected posts."""
        output, num_posts = self._output, 0
        path = storage.join(output, FOLDER, f"{plan.name}.parquet")
        with contextlib.ExitStack() as stack, RejectedFile(output, plan) as rejected:
            writer: pq.ParquetWriter | None = None
            for posts in self._reader.read(plan, rejected.write):
                table = _to_output(posts)
                if writer is None:
                    local = stack.enter_context(storage.writing(path))
                    writer = stack.enter_context(pq.ParquetWriter(local, table.schema))
                writer.write_table(table)
                num_posts += len(table)
        Metrics.counter("written", "predictions").inc(num_posts)
        yield num_posts


class SumPosts(beam.CombineFn):
    """Adds numbers of posts up; gives the JSON of how many shards have posts, and how many."""

    def create_accumulator(self) -> tuple[int, int]:
        """The sum of nothing."""
        return 0, 0

    def add_input(self, accumulator: tuple[int, int], element: int) -> tuple[int, int]:
        """Takes in one shard."""
        shards, posts = accumulator
        return shards + (element > 0), posts + element

    def merge_accumulators(self, accumulators: Iterable[tuple[int, int]]) -> tuple[int, int]:
        """Takes in several sums."""
        shards, posts = zip(*accumulators, strict=True)
        return sum(shards), sum(posts)

    def extract_output(self, accumulator: tuple[int, int]) -> str:
        """The sum, as JSON."""
        shards, posts = accumulator
        return json.dumps({"shards": shards, "posts": posts})


def _to_output(posts: pa.Table) -> pa.Table:
    """What is told of posts: their ids as texts, and what was predicted as plain lists."""
    table = posts.drop_columns(["row_key", "post_digest"])
    ids = pc.cast(table.column("post_id"), pa.string())
    table = table.set_column(table.schema.get_field_index("post_id"), "post_id", ids)
    for index, field in enumerate(table.schema):
        if pa.types.is_fixed_size_list(field.type):
            plain = pc.cast(table.column(index), pa.list_(field.type.value_type))
            table = table.set_column(index, field.name, plain)
    return table
