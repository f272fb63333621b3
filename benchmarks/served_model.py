"""Writes an exported model of random weights, without a dataset and a training run."""

import tempfile
from pathlib import Path

import numpy as np
import tensorflow as tf

from benchmarks.random_dataset import COUNTRIES
from tagkeras.data.manifest import Manifest
from tagkeras.data.vocabulary import Vocabulary
from tagkeras.export.hashtag_ranker import HashtagRanker
from tagkeras.export.requests import GraphBatching
from tagkeras.layers import ImageUserEmbedding, MultiplicativeEmbedding
from tagkeras.models import HashtagModel
from tagkeras.retrieval import ExactTopK, TopK

TOP_K = 10


def write_served_model(
    path: Path,
    *,
    descriptor_size: int,
    tags: int,
    embedding_dim: int,
    rank: int,
    batching: GraphBatching | None = None,
) -> None:
    """Writes a SavedModel of the multiplicative model for ready descriptors.

    Args:
        path: folder of the version.
        descriptor_size: n.
        tags: Y.
        embedding_dim: d.
        rank: of the embedding's factors.
        batching: of the graph; None ranks each request alone.
    """
    size = 5 + len(COUNTRIES)
    manifest = Manifest(
        descriptor_size=descriptor_size,
        descriptor_dtype="float16",
        num_tags=tags,
        splits={},
        user_descriptor={"countries": list(COUNTRIES), "location_decimals": 1, "size": size},
    )
    embedding = MultiplicativeEmbedding(embedding_dim, rank=rank, seed=0)
    model = HashtagModel(embedding, tags, seed=0)
    model.build({"descriptor": (None, descriptor_size), "user_descriptor": (None, size)})
    write_ranker(path, embedding, ExactTopK(model.tag_table, TOP_K), manifest, batching=batching)


def write_ranker(
    path: Path,
    embedding: ImageUserEmbedding,
    index: TopK,
    manifest: Manifest,
    *,
    batching: GraphBatching | None = None,
) -> None:
    """Writes a SavedModel of an embedding for ready descriptors and an index of made-up hashtags.

    Args:
        path: folder of the version.
        embedding: phi.
        index: of its hashtags' rows.
        manifest: of the dataset; names the number of hashtags.
        batching: of the graph; None ranks each request alone.
    """
    tags = manifest.num_tags
    with tempfile.TemporaryDirectory() as name:
        vocabulary = Path(name) / "vocabulary.tsv"
        Vocabulary(tuple(f"tag{tag}" for tag in range(tags)), np.ones(tags, np.int64)).save(
            vocabulary
        )
        ranker = HashtagRanker(embedding, index, manifest, str(vocabulary), None, batching=batching)
        tf.saved_model.save(ranker.resources(), str(path), signatures=ranker.signatures())
