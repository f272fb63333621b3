"""Training steps to time, and how they are timed."""

import dataclasses
import statistics
import time
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import tensorflow as tf

from tagkeras.data.facts import FactSchema
from tagkeras.data.manifest import Manifest
from tagkeras.data.post_tags import split_batch
from tagkeras.layers import project_columns
from tagkeras.losses import RankingLoss, Warp
from tagkeras.models import HashtagModel
from tagkeras.samplers import Sampler
from tagkeras.train.config import Settings
from tagkeras.train.model import compile_model, make_model

EMBEDDING_DIM, RANK, USER_HIDDEN = 64, 100, 24


def time_in_turn(functions: Mapping[str, Callable[[], Any]], count: int) -> dict[str, float]:
    """Median milliseconds of each function, called in turn `count` times after two others."""
    times: dict[str, list[float]] = {name: [] for name in functions}
    for number in range(count + 2):
        for name, function in functions.items():
            start = time.perf_counter()
            tf.nest.map_structure(lambda tensor: tensor.numpy(), function())
            if number >= 2:
                times[name].append(1000 * (time.perf_counter() - start))
    return {name: round(statistics.median(values), 2) for name, values in times.items()}


@dataclasses.dataclass(frozen=True, kw_only=True)
class StepMaker:
    """Makes functions that take one step of the multiplicative model on random posts.

    The learning rate is next to nothing, so that every step meets the same scores.

    Attributes:
        descriptor_size: n.
        batch_size: posts, with `tags_per_post` tags each.
        tags_per_post: positives of a post.
        jit_compile: by XLA.
        precision: dtype policy of the embedding.
        user_descriptor_size: m.
    """

    descriptor_size: int
    batch_size: int
    tags_per_post: int = 1
    jit_compile: bool = False
    precision: str = "float32"
    user_descriptor_size: int = 10

    def warp_step(
        self, num_tags: int, sampler: Sampler, share_of_violators: float
    ) -> Callable[[], dict[str, tf.Tensor]]:
        """A WARP step in which about this share of the tags violates a positive."""
        batch = self._make_batch(num_tags)
        loss = Warp(sampler=sampler)
        model = self._make_model(num_tags, loss)
        project_columns(model.embedding.max_norm_weights, 1.0)  # as the first step will
        some = {name: batch[name][:64] for name in batch}
        phi = model(some)
        others = tf.gather(model.tag_table.value, tf.range(min(num_tags, 10_000)))
        scores = tf.matmul(phi, others, transpose_b=True).numpy()
        first_tags = tf.gather(model.tag_table.value, some["tags"].to_tensor()[:, 0])
        positive = tf.reduce_sum(phi * first_tags, axis=1).numpy()
        apart = np.quantile(scores - positive[:, None], 1 - share_of_violators, axis=1)
        loss.margin = -float(np.median(apart))
        return self._make_step(model, batch)

    def loss_step(self, num_tags: int, loss: str) -> Callable[[], dict[str, tf.Tensor]]:
        """A step of one of the losses, from fresh weights."""
        return self._make_step(self._make_model(num_tags, None, loss), self._make_batch(num_tags))

    def products(self, pool_size: int) -> tuple[Callable[[], Any], int]:
        """The matrix products of a pooled WARP step alone, and the operations that they make."""
        rng = np.random.default_rng(0)
        B, n, K, d = self.batch_size, self.descriptor_size, RANK, EMBEDDING_DIM
        shapes = [
            ((B, n), (n, K)),  # gamma^T x
            ((K, B), (B, n)),  # its gradient
            ((B, self.user_descriptor_size), (self.user_descriptor_size, USER_HIDDEN)),  # W u
            ((USER_HIDDEN, B), (B, self.user_descriptor_size)),
            ((B, USER_HIDDEN), (USER_HIDDEN, K)),  # alpha^T h
            ((USER_HIDDEN, B), (B, K)),
            ((B, K), (K, USER_HIDDEN)),
            ((B, K), (K, d)),  # beta
            ((d, B), (B, K)),
            ((B, d), (d, K)),
            ((B, d), (d, pool_size)),  # scores of the pool
        ]
        operands = [
            [tf.constant(rng.normal(size=shape), tf.float32) for shape in pair] for pair in shapes
        ]

        @tf.function
        def multiply() -> list[tf.Tensor]:
            return [tf.reduce_max(tf.matmul(*pair)[:1, :1]) for pair in operands]

        return multiply, sum(2 * a[0] * a[1] * b[1] for a, b in shapes)

    def _make_batch(self, num_tags: int) -> dict[str, Any]:
        rng = np.random.default_rng(0)
        posts, each = self.batch_size, self.tags_per_post
        tags = np.sort(rng.integers(num_tags // each, size=(posts, each)) * each + np.arange(each))
        lengths = np.full(posts, each)
        descriptors = rng.normal(size=(posts, self.descriptor_size))
        return {
            "descriptor": tf.constant(descriptors, tf.float32),
            "user_descriptor": tf.constant(
                rng.random(size=(posts, self.user_descriptor_size)), tf.float32
            ),
            "tags": tf.RaggedTensor.from_row_lengths(tags.ravel(), lengths),
            "tags_removed": tf.RaggedTensor.from_row_lengths(tf.zeros([0], tf.int64), 0 * lengths),
            "out_of_vocabulary": tf.zeros([posts], tf.int64),
        }

    def _make_model(
        self, num_tags: int, ranking_loss: RankingLoss | None, loss: str = "warp"
    ) -> HashtagModel:
        settings = Settings(
            loss=loss, learning_rate=1e-12, jit_compile=self.jit_compile, precision=self.precision
        )
        values = [str(number) for number in range(self.user_descriptor_size - FactSchema(()).size)]
        manifest = Manifest(
            descriptor_size=self.descriptor_size,
            descriptor_dtype="float16",
            num_tags=num_tags,
            splits={},
            user_descriptor=FactSchema((), categories={"camera": values}).to_dict(),
        )
        model = make_model(settings, manifest, precision=self.precision)
        compile_model(model, settings)
        if ranking_loss is not None:
            model.compile(
                model.optimizer,
                ranking_loss,
                row_optimizer=model.row_optimizer,
                jit_compile=self.jit_compile,
            )
        return model

    @staticmethod
    def _make_step(
        model: HashtagModel, batch: dict[str, Any]
    ) -> Callable[[], dict[str, tf.Tensor]]:
        train_step = tf.function(lambda batch: model.train_step(split_batch(batch)))
        return lambda: train_step(batch)
