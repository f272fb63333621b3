"""The index of an export: exact, or an inverted file whose recall was measured."""

import dataclasses
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from tagkeras.cli.errors import UserError
from tagkeras.data.input import named_errors, sample_posts
from tagkeras.data.manifest import Manifest
from tagkeras.models.hashtag_model import HashtagModel
from tagkeras.retrieval.asked_posts import AskedPosts
from tagkeras.retrieval.cells import Cells, default_num_cells, find_cells
from tagkeras.retrieval.exact_index import ExactIndex
from tagkeras.retrieval.inverted_file import InvertedFile
from tagkeras.retrieval.probes import Recall, RecallCurve, fewest_posts, fewest_probes
from tagkeras.retrieval.tag_index import TagIndex

BATCH = 256


@dataclasses.dataclass(frozen=True, kw_only=True)
class IvfSettings:
    """How an inverted file is made.

    Attributes:
        recall_target: of the answers' hashtags, the share that a search has to find, below 1.
        num_cells: C; None for four times the square root of the hashtags.
        num_posts: validation posts to measure the recall on, and training posts to make the cells
            for, at most.
    """

    recall_target: float = 0.99
    num_cells: int | None = None
    num_posts: int = 2000


@dataclasses.dataclass(frozen=True)
class MadeIndex:
    """An index and what is to be told of it.

    Attributes:
        index: of the hashtags.
        facts: about it, for the provenance of an export.
    """

    index: TagIndex
    facts: dict[str, Any]


def exact_index(model: HashtagModel, kept_ids: Sequence[int]) -> MadeIndex:
    """The index that scores all hashtags.

    Args:
        model: trained.
        kept_ids: ids of the model's hashtags that can be answered, in order.
    """
    return MadeIndex(ExactIndex(_answerable_table(model, kept_ids)), {"name": "exact"})


def ivf_index(
    model: HashtagModel,
    kept_ids: Sequence[int],
    k: int,
    dataset: Path,
    manifest: Manifest,
    settings: IvfSettings,
) -> MadeIndex:
    """An inverted file that meets a recall on validation posts, drawn at random.

    Args:
        model: trained.
        kept_ids: ids of the model's hashtags that can be answered, in order.
        k: hashtags in an answer.
        dataset: that the model was trained on. Cells are made for its training posts, so that the
            validation posts tell what they are worth for others.
        manifest: its manifest.
        settings: of the index.

    Raises:
        UserError: there are more cells than hashtags, too few validation posts to show the recall
            (none, to begin with), rows that are not finite, or no scikit-learn; or all cells would
            have to be looked into, which takes longer than an exact search.
    """
    num_cells = settings.num_cells or default_num_cells(len(kept_ids))
    if num_cells > len(kept_ids):
        raise UserError(
            f"--index_cells={num_cells}: there are {len(kept_ids)} hashtags to divide; give fewer"
        )
    _check_posts(dataset, manifest, k, settings)
    table = _answerable_table(model, kept_ids)
    rows = table.numpy()
    if not np.isfinite(rows.sum(dtype=np.float64)):
        raise UserError("the model's hashtag table has values that are not finite: train it anew")
    trained, validation = (
        _draw_and_embed(model, dataset, manifest, split, settings.num_posts)
        for split in ("train", "validation")
    )
    print(
        f"dividing {len(kept_ids):,} hashtags into {num_cells:,} cells", file=sys.stderr, flush=True
    )
    cells = find_cells(rows, num_cells, AskedPosts.rank(trained, table, k))
    curve = RecallCurve.measure(validation, table, cells, k)
    recall = curve.choose_probes(settings.recall_target, fewest_probes(cells, k))
    _check_gain(recall, cells, settings)
    facts = {
        "name": "ivf",
        "cells": len(cells),
        "recall_target": settings.recall_target,
        "validation_posts": len(validation),
        "k": k,
        **dataclasses.asdict(recall),
    }
    return MadeIndex(InvertedFile(table, cells, recall.probes), facts)


def _answerable_table(model: HashtagModel, kept_ids: Sequence[int]) -> tf.Variable:
    table: tf.Variable = model.tag_table.value
    if len(kept_ids) < model.num_tags:
        table = tf.Variable(tf.gather(table, kept_ids), name="tag_table", trainable=False)
    return table


def _check_posts(dataset: Path, manifest: Manifest, k: int, settings: IvfSettings) -> None:
    """Refuses a recall that there are too few posts for, before anything takes long."""
    there = manifest.splits.get("validation", {"posts": 0})["posts"]
    if not there:
        raise UserError(
            f"{dataset}: the validation split has no posts to measure the recall of --index=ivf on;"
            " preprocess with --validation_fraction"
        )
    needed = fewest_posts(settings.recall_target, k)
    if needed > min(there, settings.num_posts):
        remedy = (
            f"give --index_posts={needed} or more"
            if there >= needed
            else f"the validation split has {there:,}"
        )
        raise UserError(
            f"--recall_target={settings.recall_target}: to show it takes {needed:,} posts at least,"
            f" but it is to be shown on {min(there, settings.num_posts):,}; {remedy}, or give a"
            " lower target or --index=exact"
        )


def _check_gain(recall: Recall, cells: Cells, settings: IvfSettings) -> None:
    if recall.probes == len(cells):
        raise UserError(
            f"--recall_target={settings.recall_target}: all {len(cells):,} cells would have to be"
            " looked into, which takes longer than --index=exact; give that, a lower target, or"
            " more --index_posts"
        )


def _draw_and_embed(
    model: HashtagModel, dataset: Path, manifest: Manifest, split: str, num_posts: int
) -> np.ndarray:
    """Phi of some posts of a split, drawn at random, float32 [B, d]."""
    there = manifest.splits[split]["posts"]
    print(
        f"drawing {min(num_posts, there):,} of {there:,} {split} posts", file=sys.stderr, flush=True
    )
    with named_errors(dataset):
        batches = sample_posts(dataset, manifest, split, num_posts, BATCH)
        return np.concatenate([model(batch).numpy() for batch in batches])
