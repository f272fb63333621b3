"""The index of an export: exact, or an inverted file whose recall was measured."""

import dataclasses
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from tagkeras.data.input import named_errors, read_split
from tagkeras.data.manifest import Manifest
from tagkeras.errors import UserError
from tagkeras.indexing.cells import default_num_cells, find_cells
from tagkeras.indexing.exact_index import ExactIndex
from tagkeras.indexing.inverted_file import InvertedFile
from tagkeras.indexing.probes import choose_probes, find_cell_places
from tagkeras.indexing.tag_index import TagIndex
from tagkeras.models.hashtag_model import HashtagModel

BATCH = 256


@dataclasses.dataclass(frozen=True, kw_only=True)
class IvfSettings:
    """How an inverted file is made.

    Attributes:
        recall_target: of the answers' hashtags, the share that a search has to find.
        num_cells: C; None for four times the square root of the hashtags.
        num_posts: validation posts to measure the recall on, at most.
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
    table = model.tag_table.value
    if len(kept_ids) < model.num_tags:
        table = tf.Variable(tf.gather(table, kept_ids), name="tag_table")
    return MadeIndex(ExactIndex(table), {"name": "exact"})


def ivf_index(
    model: HashtagModel,
    kept_ids: Sequence[int],
    k: int,
    dataset: Path,
    manifest: Manifest,
    settings: IvfSettings,
) -> MadeIndex:
    """An inverted file that meets a recall on the validation posts.

    Args:
        model: trained.
        kept_ids: ids of the model's hashtags that can be answered, in order.
        k: hashtags in an answer.
        dataset: that the model was trained on.
        manifest: its manifest.
        settings: of the index.

    Raises:
        UserError: there are no validation posts, more cells than hashtags, or no scikit-learn.
    """
    num_cells = settings.num_cells or default_num_cells(len(kept_ids))
    if num_cells > len(kept_ids):
        raise UserError(
            f"--index_cells={num_cells}: there are {len(kept_ids)} hashtags to divide; give fewer"
        )
    if not manifest.splits.get("validation", {"posts": 0})["posts"]:
        raise UserError(
            f"{dataset}: the validation split has no posts to measure the recall of --index=ivf on;"
            " preprocess with --validation_fraction"
        )
    phi = _embed_validation_posts(model, dataset, manifest, settings.num_posts)
    table = exact_index(model, kept_ids).index.table  # type: ignore[attr-defined]
    rows = table.numpy()
    print(f"dividing {len(rows):,} hashtags into {num_cells:,} cells", file=sys.stderr, flush=True)
    cells = find_cells(rows, num_cells)
    needed, scored = find_cell_places(phi, table, cells, k)
    recall = choose_probes(needed, scored, cells, settings.recall_target)
    facts = {
        "name": "ivf",
        "cells": len(cells),
        "recall_target": settings.recall_target,
        "validation_posts": len(phi),
        "k": k,
        **dataclasses.asdict(recall),
    }
    return MadeIndex(InvertedFile(rows, cells, recall.probes), facts)


def _embed_validation_posts(
    model: HashtagModel, dataset: Path, manifest: Manifest, num_posts: int
) -> np.ndarray:
    """Phi of the first validation posts, float32 [B, d]; shards hold posts in no order."""
    batches: list[np.ndarray] = []
    with named_errors(dataset):
        for batch in read_split(dataset, manifest, "validation", BATCH):
            batches.append(model(batch).numpy())
            if len(batches) * BATCH >= num_posts:
                break
    return np.concatenate(batches)[:num_posts]
