"""From posts to a dataset, in two passes over them."""

import functools
import sys

from apache_beam.ml.inference.base import RunInference
from apache_beam.options.pipeline_options import PipelineOptions

from beam.images.handler import DescriptorModelHandler
from beam.posts.files import find_inputs
from beam.posts.identities import load_id_key
from beam.posts.parse import IMAGE, ParsePosts
from beam.posts.peek import peek
from beam.preprocess.columns import make_dataset_columns
from beam.preprocess.config import Config
from beam.preprocess.make_manifest import make_manifest
from beam.preprocess.shards import ShardSummary, WriteShard, add_up
from beam.preprocess.statistics import write_statistics
from beam.preprocess.user_facts import Statistics
from beam.running import storage
from beam.running.publish import check_output, published
from beam.staging.passes import StagedPosts, stage_posts, write_shards
from beam.staging.staging_folder import StagingFolder
from tagkeras.cli.errors import UserError
from tagkeras.data.hashtags import read_tag_list
from tagkeras.data.manifest import FILE_NAME, SPLITS, Manifest
from tagkeras.data.vocabulary import FILE_NAME as VOCABULARY
from tagkeras.data.vocabulary import Vocabulary
from tagkeras.images.cnn.descriptor_model import FOLDER, DescriptorCnn, save_descriptor_model
from tagkeras.images.cnn.load import load_cnn


def preprocess(config: Config, options: PipelineOptions) -> Manifest:
    """Writes a dataset, whole or not at all, and gives its manifest.

    Raises:
        UserError: the input cannot be used, or no training post or hashtag is left.
    """
    inputs = find_inputs(config.input, config.input_format, config.facts)
    used = (config.image_root, config.id_key_file, config.stop_tags, config.cnn, config.cnn_weights)
    check_output(config.output, FILE_NAME, [*(file.path for file in inputs), *used])
    kind = peek(inputs)
    if unseen := kind.unseen.intersection((*config.user_categories, *config.user_numbers)):
        names = ", ".join(sorted(unseen))
        print(f"warning: none of the first posts says anything of {names}", file=sys.stderr)
    key, key_source = load_id_key(config.id_key_file)
    stop_tags = (
        read_tag_list(config.stop_tags, "stop_tags") if config.stop_tags else frozenset[str]()
    )
    cnn: DescriptorCnn | None = None
    if kind.kind == IMAGE:
        cnn = load_cnn(config.cnn, layer=config.cnn_layer, weights=config.cnn_weights)
    parse = ParsePosts(
        kind=kind.kind,
        descriptor_size=kind.descriptor_size or 0,
        descriptor_dtype=config.descriptor_dtype,
        image_root=None if config.image_root is None else storage.absolute(config.image_root),
        labelled=True,
        id_key=key,
        hide_post_ids=config.post_ids == "hash",
        make_columns=functools.partial(make_dataset_columns, config=config, stop_tags=stop_tags),
        facts=config.facts,
        only_countries=config.only_countries,
    )
    with published(config.output, FILE_NAME) as output:
        for split in SPLITS:
            storage.make_folder(storage.join(output, split))
        staging = StagingFolder(storage.join(output, "staging"))
        describe = None
        if cnn:
            model = storage.join(output, FOLDER)
            with storage.writing(model) as local:
                save_descriptor_model(cnn, local)
            describe = RunInference(
                DescriptorModelHandler(
                    model, config.descriptor_dtype, large_model=config.large_model
                )
            )
        staged = stage_posts(
            inputs,
            parse,
            describe,
            staging,
            options,
            doing="describing images" if cnn else "reading posts",
            also=lambda blocks, duplicates: (
                blocks | "Statistics" >> write_statistics(duplicates, staging, config)
            ),
        )
        staged.check_rejected(config.max_rejected_fraction)
        statistics = Statistics.from_json(storage.read_text(staging.statistics))
        _check_training_posts(statistics, staged, config)
        vocabulary = _load_vocabulary(staging, config)
        target = None
        if config.distribution == "balanced":
            target = config.balance_target or float(vocabulary.counts.mean())
        summary = write_shards(
            staged,
            config.num_shards,
            WriteShard(config, output, staging, target),
            staging,
            options,
            output=storage.join(output, "*", "*.tfrecord"),
            add_up=add_up,
            to_json=ShardSummary.to_json,
        )
        with storage.writing(storage.join(output, VOCABULARY)) as local:
            vocabulary.save(local)
        storage.remove_folder(staging.path)
        manifest = make_manifest(
            config,
            inputs=inputs,
            kind=kind,
            cnn=cnn,
            key_source=key_source,
            vocabulary=vocabulary,
            statistics=statistics,
            num_stop_tags=len(stop_tags),
            balance_target=target,
            staged=staged,
            summary=ShardSummary.from_json(summary),
        )
        storage.write_text(storage.join(output, FILE_NAME), manifest.to_json())
    return manifest


def _check_training_posts(statistics: Statistics, staged: StagedPosts, config: Config) -> None:
    if staged.dropped.total() == staged.posts_read - sum(staged.rejected.values()):
        raise UserError(f"no post is from {', '.join(config.only_countries)}: --only_countries")
    if not statistics.posts[""]:
        raise UserError(
            "no training posts: all users are in validation or test; give more posts, or other"
            " --validation_fraction, --test_fraction, --test_posts or --split_seed"
        )
    for flag in ("user_categories", "user_numbers"):
        for name in getattr(config, flag):
            if not statistics.posts[name]:
                raise UserError(f"--{flag}={name}: no training post has anything in this field")


def _load_vocabulary(staging: StagingFolder, config: Config) -> Vocabulary:
    with storage.reading(staging.vocabulary) as local:
        vocabulary = Vocabulary.load(local)
    if not len(vocabulary):
        raise UserError(
            f"no hashtag is on at least {config.min_tag_count} training posts by at least"
            f" {config.min_tag_users} people: lower --min_tag_count or"
            " --min_tag_users, or shorten --stop_tags"
        )
    return vocabulary
