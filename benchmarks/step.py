"""Times a WARP training step beside the same step with the negatives given.

    python -m benchmarks.step --descriptor_size=4096 --tags=10000

Early in training the first draw violates; late, a positive needs hundreds. Both are made by scaling
the scores of a fresh model, and each pair of steps is timed in turn. Prints one JSON object, with
medians in milliseconds.
"""

import dataclasses
import json
import os
import statistics
import time

import keras
import numpy as np
import tensorflow as tf

from tagkeras.commandline import option, run
from tagkeras.layers.embeddings import make_embedding
from tagkeras.losses.warp_loss import WarpLoss
from tagkeras.models.hashtag_model import HashtagModel
from tagkeras.optimizers.row_adagrad import RowAdagrad
from tagkeras.warp.negative_sampler import Negatives, NegativeSampler
from tagkeras.warp.pooled_sampler import PooledSampler


@dataclasses.dataclass(frozen=True, kw_only=True)
class Config:
    """The options of this command."""

    descriptor_size: int = option(4096, help="n", minimum=1)
    tags: int = option(10_000, help="Y", minimum=2)
    batch_size: int = option(512, help="posts in a step, one positive each", minimum=1)
    steps: int = option(40, help="timed steps of each kind", minimum=1)


class _GivenNegatives(NegativeSampler):
    """One draw, which counts whatever it scores: what a step costs without a search."""

    def sample(self, phi, table, post_tags, seed):  # type: ignore[no-untyped-def]
        tag = tf.random.stateless_uniform(
            tf.shape(post_tags.tag), seed, 0, table.shape[0], tf.int64
        )
        ones = tf.ones_like(post_tags.post)
        return Negatives(tag, ones, ones > 0)


def main(config: Config) -> None:
    """Times and prints."""
    batch = _make_batch(config)
    result = {"benchmark": "step", "cores": os.cpu_count(), **dataclasses.asdict(config)}
    for name, share_of_violators in (("early", 0.5), ("late", 1 / 500)):
        steps = {
            kind: _make_step(config, batch, sampler, share_of_violators)
            for kind, sampler in (("given", _GivenNegatives()), ("warp", PooledSampler()))
        }
        times: dict[str, list[float]] = {kind: [] for kind in steps}
        for _ in range(config.steps):
            for kind, step in steps.items():
                start = time.perf_counter()
                draws = step()
                times[kind].append(1000 * (time.perf_counter() - start))
        medians = {kind: statistics.median(values) for kind, values in times.items()}
        result[name] = {
            **{f"{kind}_ms": round(value, 2) for kind, value in medians.items()},
            "ratio": round(medians["warp"] / medians["given"], 3),
            "mean_draws": round(draws, 1),
        }
    print(json.dumps(result))


def _make_batch(config: Config) -> dict[str, tf.Tensor | tf.RaggedTensor]:
    rng = np.random.default_rng(0)
    posts = config.batch_size
    one_each = np.ones(posts, np.int64)
    return {
        "descriptor": tf.constant(rng.normal(size=(posts, config.descriptor_size)), tf.float32),
        "user_descriptor": tf.constant(rng.random(size=(posts, 10)), tf.float32),
        "tags": tf.RaggedTensor.from_row_lengths(
            rng.integers(config.tags, size=posts).astype(np.int64), one_each
        ),
        "tags_removed": tf.RaggedTensor.from_row_lengths(tf.zeros([0], tf.int64), 0 * one_each),
        "out_of_vocabulary": tf.zeros([posts], tf.int64),
    }


def _make_step(config, batch, sampler, share_of_violators):  # type: ignore[no-untyped-def]
    """A function that runs one step, from the same weights each time, and returns mean draws."""
    embedding = make_embedding("multiplicative", embedding_dim=64, seed=0)
    model = HashtagModel(embedding, config.tags, seed=0)
    model.build({"descriptor": (None, config.descriptor_size), "user_descriptor": (None, 10)})
    # A rate of almost nothing: the share of violators stays what it is.
    model.compile(keras.optimizers.Adagrad(1e-12), RowAdagrad(1e-12, max_norm=1.0), WarpLoss(sampler))
    model.embedding.project(1.0)  # as the first step will
    scores = model.scores(model(batch)).numpy()
    positive = scores[np.arange(len(scores)), batch["tags"].flat_values.numpy()]
    # The margin that lets this share of the tags violate, for the median positive.
    apart = np.quantile(scores - positive[:, None], 1 - share_of_violators, axis=1)
    sampler.margin = -float(np.median(apart))
    train_step = tf.function(model.train_step)

    def step() -> float:
        for metric in model.metrics:
            metric.reset_state()
        return float(train_step(batch)["mean_draws"])

    step()
    return step


if __name__ == "__main__":
    run(main, Config)
