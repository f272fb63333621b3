"""Predicts hashtags, and gives embeddings, for many posts with an exported model.

    python -m beam.predict --model=models/hashtags/1 --input='posts/*.jsonl' --output=PREDICTIONS

Posts are those of beam.preprocess, but need neither user_id nor hashtags. Runs in this process; any
option of Apache Beam, --runner=FlinkRunner for one, runs it elsewhere.
"""

# Beam has type hints for a part of its functions only.
# mypy: allow-untyped-calls

import dataclasses
import json
from typing import Any

from apache_beam.ml.inference.base import RunInference
from apache_beam.options.pipeline_options import PipelineOptions

from beam.posts import inputs as input_flags
from beam.posts.files import find_inputs
from beam.posts.parse import IMAGE, ParsePosts, PostSettings
from beam.posts.peek import InputKind, peek
from beam.predict.exported_model import HASHTAGS, OUTPUTS, ExportedModel
from beam.predict.handler import PredictionHandler, RawUserColumns
from beam.predict.shards import (
    FOLDER,
    PredictionShardSettings,
    SumPosts,
    WritePredictionShard,
)
from beam.preprocess.make_manifest import describe_losses, versions
from beam.running import storage
from beam.running.publish import check_output, published
from beam.running.runner import parse_options
from beam.staging.passes import StagePosts, stage_posts, write_shards
from beam.staging.plans import plan_shards
from beam.staging.rejects import check_rejected, count_rejected
from beam.staging.staging_folder import StagingFolder
from tagkeras.cli import commandline
from tagkeras.cli.commandline import option
from tagkeras.cli.errors import UserError

MANIFEST = "predictions.json"
FORMAT_VERSION = 1


@dataclasses.dataclass(frozen=True, kw_only=True)
class Config:
    """The options of this command."""

    model: str = option(help="SavedModel folder or URI: a version that tagkeras.export wrote")
    input: str = input_flags.INPUT
    output: str = option(help="folder to write; predictions there are replaced at the end")
    input_format: str = input_flags.INPUT_FORMAT
    image_root: str | None = input_flags.IMAGE_ROOT
    outputs: tuple[str, ...] = option(
        (HASHTAGS,), help=f"what to predict: one or more of {', '.join(OUTPUTS)}"
    )
    id_key_file: str | None = input_flags.ID_KEY_FILE
    post_ids: str = input_flags.POST_IDS
    max_rejected_fraction: float = input_flags.MAX_REJECTED_FRACTION
    large_model: bool = input_flags.LARGE_MODEL
    num_shards: int | None = option(
        None, help="files of predictions; by default chosen by size", minimum=1
    )

    def __post_init__(self) -> None:
        for output in self.outputs:
            if output not in OUTPUTS:
                raise UserError(f"--outputs: {output!r} is none of {', '.join(OUTPUTS)}")
        if not self.outputs or len(set(self.outputs)) < len(self.outputs):
            raise UserError("--outputs names nothing, or one twice")


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
    inputs = find_inputs(config.input, config.input_format)
    sources = tuple(file.place for file in inputs)
    used = (config.image_root, config.id_key_file, config.model)
    check_output(config.output, MANIFEST, [*(file.path for file in inputs), *used])
    model = ExportedModel.read(config.model)
    kind = peek(inputs)
    _check_kind(model, kind, config)
    key, key_source = input_flags.load_id_key(config.id_key_file)
    root = None if config.image_root is None else storage.absolute(config.image_root)
    parse = ParsePosts(
        PostSettings(
            kind=kind.kind,
            descriptor_size=model.descriptor_size,
            descriptor_dtype="float32",
            image_root=root,
            labelled=False,
            id_key=key,
            hide_post_ids=config.post_ids == "hash",
        ),
        RawUserColumns(),
    )
    handler = PredictionHandler(model, config.outputs, sources, large_model=config.large_model)
    with published(config.output, MANIFEST) as output:
        staging = StagingFolder(storage.join(output, "staging"))
        storage.make_folder(storage.join(output, FOLDER))
        blocks = stage_posts(
            inputs,
            StagePosts(parse, RunInference(handler), staging),
            staging,
            options,
            doing="predicting",
        )
        num_duplicates = len(staging.load_duplicates())
        check_rejected(blocks, num_duplicates, config.max_rejected_fraction)
        settings = PredictionShardSettings(output=output, staging=staging, sources=sources)
        summary = json.loads(
            write_shards(
                blocks,
                plan_shards(blocks, config.num_shards),
                WritePredictionShard(settings),
                SumPosts(),
                staging,
                options,
                output=storage.join(output, FOLDER, "*.parquet"),
            )
        )
        storage.remove_folder(staging.path)
        manifest = {
            "format_version": FORMAT_VERSION,
            "model": model.provenance(),
            "outputs": list(config.outputs),
            "shards": summary["shards"],
            "counts": {
                "posts_read": sum(block.posts_read for block in blocks),
                "posts_written": summary["posts"],
                "rejected": dict(sorted(count_rejected(blocks, num_duplicates).items())),
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


def main(config: Config, beam_arguments: list[str]) -> None:
    """Predicts and says what came of it."""
    counts = predict(config, parse_options(beam_arguments))["counts"]
    print(f"{counts['posts_read']:,} posts read")
    print(f"{counts['posts_written']:,} posts written: {', '.join(config.outputs)}")
    if losses := describe_losses("rejected", counts["rejected"]):
        print(losses)
    print(f"wrote {config.output}")


if __name__ == "__main__":
    commandline.run(main, Config, pass_unknown=True)
