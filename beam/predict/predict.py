"""From posts to predictions, in two passes over them."""

# Beam has type hints for a part of its functions only.
# mypy: allow-untyped-calls

import dataclasses
import functools
import json
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any

import apache_beam as beam
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from apache_beam.metrics.metric import Metrics
from apache_beam.ml.inference.base import RunInference
from apache_beam.options.pipeline_options import PipelineOptions

from beam.posts.files import find_inputs
from beam.posts.identities import load_id_key
from beam.posts.parse import IMAGE, ParsePosts
from beam.posts.peek import InputKind, peek
from beam.predict.config import Config
from beam.predict.exported_model import ExportedModel
from beam.predict.handler import PredictionHandler, make_fact_columns
from beam.running import storage
from beam.running.publish import check_output, published
from beam.running.runner import versions
from beam.staging.passes import describe_losses, stage_posts, write_shards
from beam.staging.shards import ShardFiles, ShardPlan, ShardReader
from beam.staging.staging_folder import StagingFolder
from tagkeras.cli.errors import UserError

FOLDER, MANIFEST = "predictions", "predictions.json"
FORMAT_VERSION = 1


def predict(config: Config, options: PipelineOptions) -> dict[str, Any]:
    """Writes predictions, whole or not at all.

    Args:
        config: what to predict of which posts.
        options: of Beam: where and how to run.

    Returns:
        The manifest of the predictions.

    Raises:
        UserError: the input or the model cannot be used.
    """
    model = ExportedModel.read(config.model)
    inputs = find_inputs(config.input, config.input_format, model.facts)
    used = (config.image_root, config.id_key_file, config.model)
    check_output(config.output, MANIFEST, [*(file.path for file in inputs), *used])
    kind = peek(inputs)
    _check_kind(model, kind, config)
    key, key_source = load_id_key(config.id_key_file)
    parse = ParsePosts(
        kind=kind.kind,
        descriptor_size=model.descriptor_size,
        descriptor_dtype="float32",
        image_root=None if config.image_root is None else storage.absolute(config.image_root),
        labelled=False,
        id_key=key,
        hide_post_ids=config.post_ids == "hash",
        make_columns=functools.partial(make_fact_columns, facts=model.facts),
        facts=model.facts,
    )
    handler = PredictionHandler(model, config.outputs, large_model=config.large_model)
    with published(config.output, MANIFEST) as output:
        staging = StagingFolder(storage.join(output, "staging"))
        storage.make_folder(storage.join(output, FOLDER))
        describe = RunInference(handler)
        staged = stage_posts(inputs, parse, describe, staging, options, doing="predicting")
        staged.check_rejected(config.max_rejected_fraction)
        summary = json.loads(
            write_shards(
                staged,
                config.num_shards,
                WritePredictionShard(output, staging),
                staging,
                options,
                output=storage.join(output, FOLDER, "*.parquet"),
                add_up=add_up,
                to_json=json.dumps,
            )
        )
        storage.remove_folder(staging.path)
        manifest = {
            "format_version": FORMAT_VERSION,
            "model": model.provenance(),
            "outputs": list(config.outputs),
            "shards": summary["shards"],
            "counts": {
                "posts_read": staged.posts_read,
                "posts_written": summary["posts"],
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


def _check_kind(model: ExportedModel, kind: InputKind, config: Config) -> None:
    model.check(config.outputs, takes_images=kind.kind == IMAGE)
    if kind.descriptor_size not in (None, model.descriptor_size):
        raise UserError(
            f"the posts have descriptors of {kind.descriptor_size} values, --model={config.model}"
            f" takes {model.descriptor_size}: describe them by the CNN that it was trained with"
        )


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
