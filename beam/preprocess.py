"""Turns posts into a dataset: TFRecords, vocabulary, manifest and the model that describes images.

    python -m beam.preprocess --input='posts/*.jsonl' --output=DATASET

Runs in this process; any option of Apache Beam, --runner=FlinkRunner for one, runs it elsewhere.
"""

from pathlib import Path

import numpy as np
from apache_beam.options.pipeline_options import PipelineOptions

from beam.passes import Staging, TagLimits, stage_posts, write_records
from beam.peek import peek
from beam.posts import IMAGE, PostSettings
from beam.publish import check_output, check_rejected, make_manifest, summarize
from beam.runner import parse_options
from beam.settings import Config, load_id_key
from beam.shards import ShardSettings
from beam.sources import find_inputs
from tagkeras import commandline, files
from tagkeras.data.manifest import SPLITS, Manifest
from tagkeras.data.vocabulary import Vocabulary
from tagkeras.descriptor_cnn import DescriptorCnn, load_cnn
from tagkeras.descriptor_model import FOLDER, save_descriptor_model
from tagkeras.errors import UserError


def preprocess(config: Config, options: PipelineOptions) -> Manifest:
    """Writes a dataset, whole or not at all.

    Args:
        config: what to make of the posts.
        options: of Beam: where and how to run.

    Returns:
        The manifest of the dataset.

    Raises:
        UserError: the input cannot be used, or no training post or hashtag is left.
    """
    inputs = find_inputs(config.input)
    output = check_output(config.output, inputs, config.image_root)
    kind = peek(inputs)
    key, key_source = load_id_key(config.id_key_file)
    cnn: DescriptorCnn | None = None
    if kind.kind == IMAGE:
        cnn = load_cnn(config.cnn, layer=config.cnn_layer, weights=config.cnn_weights)
    with files.written_aside(output) as aside:
        for split in SPLITS:
            (aside / split).mkdir(parents=True)
        staging = Staging(aside / "staging")
        if cnn:
            save_descriptor_model(cnn, aside / FOLDER)
        blocks = stage_posts(
            inputs,
            PostSettings(
                kind=kind.kind,
                descriptor_size=kind.descriptor_size,
                descriptor_dtype=config.descriptor_dtype,
                image_root=config.image_root,
                countries=config.countries,
                location_decimals=config.location_decimals,
                id_key=key,
                hide_post_ids=config.post_ids == "hash",
                split_seed=config.split_seed,
                validation_fraction=config.validation_fraction,
                test_fraction=config.test_fraction,
            ),
            TagLimits(
                max_tags=config.max_tags,
                min_count=config.min_tag_count,
                min_users=config.min_tag_users,
            ),
            aside / FOLDER,
            staging,
            options,
        )
        num_duplicates = len(np.load(staging.duplicates))
        check_rejected(blocks, num_duplicates, config.max_rejected_fraction)
        if not sum(block.posts[0] for block in blocks):
            raise UserError(
                "no training posts: all users are in validation or test; give more posts, or other"
                " --validation_fraction, --test_fraction or --split_seed"
            )
        vocabulary = Vocabulary.load(staging.vocabulary)
        if not len(vocabulary):
            raise UserError(
                f"no hashtag is on {config.min_tag_count} training posts of {config.min_tag_users}"
                " people: lower --min_tag_count or --min_tag_users"
            )
        target = None
        if config.distribution == "balanced":
            target = config.balance_target or float(vocabulary.counts.mean())
        summary = write_records(
            blocks,
            len(vocabulary),
            config.num_shards,
            ShardSettings(
                output=str(aside),
                staged=str(staging.blocks),
                vocabulary=str(staging.vocabulary),
                duplicates=str(staging.duplicates),
                descriptor_dtype=config.descriptor_dtype,
                sources=tuple(file.path for file in inputs),
                balance_target=target,
                balance_seed=config.split_seed,
            ),
            staging,
            options,
        )
        staging.vocabulary.rename(aside / "vocabulary.tsv")
        files.remove(staging.folder)
        manifest = make_manifest(
            config,
            inputs=inputs,
            kind=kind.kind,
            descriptor_size=cnn.descriptor_size if cnn else kind.descriptor_size or 0,
            image_decoder=_describe_decoder(cnn) if cnn else None,
            cnn=_describe_cnn(cnn) if cnn else None,
            key_source=key_source,
            vocabulary=vocabulary,
            balance_target=target,
            blocks=blocks,
            summary=summary,
        )
        manifest.save(aside)
    return manifest


def _describe_decoder(cnn: DescriptorCnn) -> dict[str, object]:
    height, width = cnn.image_size
    return {"height": height, "width": width, "resize": "bilinear, antialiased", "exif": "honoured"}


def _describe_cnn(cnn: DescriptorCnn) -> dict[str, str]:
    name = Path(cnn.name).name if cnn.name.endswith(".keras") else cnn.name
    return {"name": name, "layer": cnn.layer, "weights_sha256": cnn.weights_sha256()}


def main(config: Config, beam_arguments: list[str]) -> None:
    """Preprocesses and says what came of it."""
    manifest = preprocess(config, parse_options(beam_arguments))
    print(summarize(manifest, Path(config.output)))


if __name__ == "__main__":
    commandline.run(main, Config, pass_unknown=True)
