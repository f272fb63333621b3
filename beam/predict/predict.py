"""From posts to predictions, in two passes over them."""

import dataclasses
import functools
import json
from collections import Counter
from collections.abc import Iterator
from typing import Any

import apache_beam as beam
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from apache_beam.metrics.metric import Metrics
from apache_beam.ml.inference.base import RunInference
from apache_beam.options.pipeline_options import PipelineOptions

from beam.posts.fact_columns import to_arrow
from beam.posts.files import find_inputs
from beam.posts.identities import load_id_key
from beam.posts.parse import ParsePosts
from beam.posts.peek import peek
from beam.predict.config import Config
from beam.predict.exported_model import ExportedModel
from beam.predict.handler import PredictionHandler
from beam.running import storage
from beam.running.publish import check_output, published
from beam.running.runner import versions
from beam.staging.passes import describe_losses, stage_posts, write_shards
from beam.staging.shards import ShardFiles, ShardPlan, ShardReader
from beam.staging.staging_folder import StagingFolder
from tagkeras.data.facts import Fact, to_columns
from tagkeras.data.posts import Post

FOLDER, MANIFEST = "predictions", "predictions.json"
FORMAT_VERSION = 1


def predict(config: Config, options: PipelineOptions) -> dict[str, Any]:
    """Writes predictions, whole or not at all, and gives their manifest.

    Raises:
        UserError: the input or the model cannot be used.
    """
    model = ExportedModel.read(config.model)
    inputs = find_inputs(config.input, config.input_format, model.facts)
    used = (config.image_root, config.id_key_file, config.model)
    check_output(config.output, MANIFEST, [*(file.path for file in inputs), *used])
    kind = peek(inputs)
    model.check(config.outputs, kind)
    key, key_source = load_id_key(config.id_key_file)
    parse = ParsePosts(
        kind=kind.kind,
        descriptor_size=model.descriptor_size,
        descriptor_dtype="float32",
        image_root=None if config.image_root is None else storage.absolute(config.image_root),
        labelled=False,
        id_key=key,
        hide_post_ids=config.post_ids == "hash",
        make_columns=functools.partial(_make_columns, facts=model.facts),
        facts=model.facts,
    )
    handler = PredictionHandler(model, config.outputs, large_model=config.large_model)
    with published(config.output, MANIFEST) as output:
        staging = StagingFolder(storage.join(output, "staging"))
        storage.make_folder(storage.join(output, FOLDER))
        describe = RunInference(handler)
        staged = stage_posts(inputs, parse, describe, staging, options, doing="predicting")
        staged.check_rejected(config.max_rejected_fraction)
        summary = write_shards(
            staged,
            config.num_shards,
            WritePredictionShard(output, staging),
            staging,
            options,
            output=storage.join(output, FOLDER, "*.parquet"),
            add_up=lambda written: sum(written, Counter()),
            to_json=json.dumps,
        )
        written = Counter(json.loads(summary))
        storage.remove_folder(staging.path)
        manifest = {
            "format_version": FORMAT_VERSION,
            "model": model.provenance(),
            "outputs": list(config.outputs),
            "shards": written["shards"],
            "counts": {
                "posts_read": staged.posts_read,
                "posts_written": written["posts"],
                "rejected": staged.rejected,
            },
            "privacy": {
                "post_ids": "kept" if config.post_ids == "keep" else "HMAC-SHA256",
                "id_key": key_source if config.post_ids == "hash" else None,
            },
            "input": {
                "kind": kind.kind,
                "files": len(inputs),
                "bytes": sum(f.size for f in inputs),
            },
            "versions": versions(),
        }
        storage.write_text(storage.join(output, MANIFEST), json.dumps(manifest, indent=2) + "\n")
    return manifest


def _make_columns(posts: list[Post], facts: tuple[Fact, ...]) -> dict[str, pa.Array]:
    """The facts of users as they were given, a column each: the graph describes the users."""
    return to_arrow(to_columns(posts, facts))


def summarize(manifest: dict[str, Any], output: str) -> str:
    """What was done, for the screen."""
    counts = manifest["counts"]
    lines = [
        f"{counts['posts_read']:,} posts read",
        f"{counts['posts_written']:,} posts written: {', '.join(manifest['outputs'])}",
        describe_losses("rejected", counts["rejected"]),
        f"wrote {output}",
    ]
    return "\n".join(line for line in lines if line)


@dataclasses.dataclass(eq=False)
class WritePredictionShard(beam.DoFn):
    """Writes the Parquet file of a `ShardPlan` to the output, if it has posts; counts both."""

    output: str
    staging: StagingFolder

    def setup(self) -> None:
        """Reads what the first pass found out."""
        self._reader = ShardReader(self.staging, self.output)

    def process(self, plan: ShardPlan) -> Iterator[Counter[str]]:
        """One plan, at most one file of predictions and one of rejected posts."""
        written, folder = Counter[str](), storage.join(self.output, FOLDER)
        with ShardFiles(plan) as files:
            for posts in self._reader.read(plan, files):
                table = _to_output(posts)
                open_writer = functools.partial(pq.ParquetWriter, schema=table.schema)
                files.writer(folder, ".parquet", open_writer).write_table(table)
                written["posts"] += len(table)
        written["shards"] = int(written["posts"] > 0)
        Metrics.counter("written", "predictions").inc(written["posts"])
        yield written


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
