"""The approximate index of an export: an inverted file whose recall was measured."""

import dataclasses
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from tagkeras.cli.errors import UserError
from tagkeras.data.input import named_errors, sample_posts
from tagkeras.data.manifest import Manifest
from tagkeras.models import HashtagModel
from tagkeras.retrieval import (
    IVFTopK,
    Queries,
    RecallCurve,
    default_num_cells,
    fewest_posts,
    fewest_probes,
    find_cells,
)

BATCH = 256


def answerable_rows(model: HashtagModel, kept_ids: Sequence[int]) -> keras.Variable:
    """The rows of the hashtags that can be answered: the tag table itself if all of them can."""
    if len(kept_ids) == model.num_tags:
        return model.tag_table
    rows = tf.gather(model.tag_table.value, kept_ids)
    return keras.Variable(rows, trainable=False, name="tag_table")


def make_ivf_index(
    model: HashtagModel,
    kept_ids: Sequence[int],
    k: int,
    dataset: Path,
    manifest: Manifest,
    *,
    recall_target: float = 0.99,
    num_cells: int | None = None,
    num_posts: int = 2000,
) -> tuple[IVFTopK, dict[str, Any]]:
    """An inverted file that meets a recall on validation posts, and what provenance says of it.

    Cells are made for training posts, so that the validation posts tell what they are worth for
    others; of both, `num_posts` are drawn at random, at most. `recall_target` is the share of the
    exact answers' hashtags that a search has to find, below 1. There are `num_cells`, or four times
    the square root of the hashtags.

    Raises:
        UserError: there are more cells than hashtags, too few validation posts to show the recall,
            rows that are not finite, or no scikit-learn; or all cells would have to be searched,
            which takes longer than an exact search.
    """
    num_cells = num_cells or default_num_cells(len(kept_ids))
    if num_cells > len(kept_ids):
        raise UserError(
            f"--index_cells={num_cells}: there are {len(kept_ids)} hashtags to divide; give fewer"
        )
    _check_posts(dataset, manifest, k, recall_target, num_posts)
    table = answerable_rows(model, kept_ids)
    rows = table.numpy()
    if not np.isfinite(rows.sum(dtype=np.float64)):
        raise UserError("the model's hashtag table has values that are not finite: train it again")
    trained, validation = (
        _draw_and_embed(model, dataset, manifest, split, num_posts)
        for split in ("train", "validation")
    )
    print(
        f"dividing {len(kept_ids):,} hashtags into {num_cells:,} cells", file=sys.stderr, flush=True
    )
    cells = find_cells(rows, num_cells, Queries.rank(trained, table.value, k))
    curve = RecallCurve.measure(validation, table.value, cells, k)
    recall = curve.choose_probes(recall_target, fewest_probes(cells, k))
    if recall.probes == len(cells):
        raise UserError(
            f"--recall_target={recall_target}: all {len(cells):,} cells would have to be searched,"
            " which takes longer than --index=exact; give that, a lower target, or more"
            " --index_posts"
        )
    about = {
        "name": "ivf",
        "cells": len(cells),
        "recall_target": recall_target,
        "validation_posts": len(validation),
        "k": k,
        **dataclasses.asdict(recall),
    }
    return IVFTopK(table, cells, recall.probes, k), about


def _check_posts(
    dataset: Path, manifest: Manifest, k: int, recall_target: float, num_posts: int
) -> None:
    """Refuses a recall that there are too few posts to measure."""
    there = manifest.splits["validation"]["posts"]
    if not there:
        raise UserError(
            f"{dataset}: the validation split has no posts to measure the recall of --index=ivf on;"
            " preprocess with --validation_fraction"
        )
    needed, used = fewest_posts(recall_target, k), min(there, num_posts)
    if needed > used:
        remedy = (
            f"give --index_posts={needed} or more"
            if there >= needed
            else f"the validation split has {there:,}"
        )
        raise UserError(
            f"--recall_target={recall_target}: to show it takes {needed:,} posts at least, but it"
            f" is to be shown on {used:,}; {remedy}, or give a lower target or --index=exact"
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
