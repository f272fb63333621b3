"""Small hashtag models and a batch of four posts, some of whose tags were removed."""

import keras
import numpy as np
import tensorflow as tf
from batches import as_ragged
from numpy_embeddings import make_embedding

from tagkeras.models import HashtagModel
from tagkeras.optimizers import RowSGD

N, M, D, Y = 6, 10, 3, 8
RATE, MAX_NORM = 0.5, 1.0
TAGS, REMOVED = [[1, 2], [2], [], [5]], [[], [0], [], []]


def make_model(
    name, loss, num_tags=Y, *, max_norm=MAX_NORM, optimizers=None, dtype="float32", **of_compile
):
    """A built and compiled model; `optimizers`: of the weights and of the rows, by default SGD."""
    embedding = make_embedding(
        name, embedding_dim=D, rank=5, user_hidden=4, seed=1, initial_stddev=0.6, dtype=dtype
    )
    model = HashtagModel(embedding, num_tags, max_norm=max_norm, initial_stddev=0.6, seed=2)
    model.build({"descriptor": (None, N), "user_descriptor": (None, M)})
    optimizer, row_optimizer = optimizers or (keras.optimizers.SGD(RATE), RowSGD(RATE))
    model.compile(optimizer, loss, row_optimizer=row_optimizer, **of_compile)
    return model


def make_batch(tags=TAGS, removed=REMOVED):
    rng = np.random.default_rng(0)
    inputs = {
        "descriptor": tf.constant(rng.normal(size=(len(tags), N)), tf.float32),
        "user_descriptor": tf.constant(rng.random(size=(len(tags), M)), tf.float32),
    }
    return inputs, {"tags": as_ragged(tags), "tags_removed": as_ragged(removed)}
