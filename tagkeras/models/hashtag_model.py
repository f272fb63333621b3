"""The Keras model: an embedding of (image, user), a table of hashtags, and the WARP step."""

from collections.abc import Mapping
from typing import Any

import keras
import tensorflow as tf

from tagkeras.layers.image_user_embedding import ImageUserEmbedding, Shape
from tagkeras.metrics.accuracy_at_k import AccuracyAtK
from tagkeras.metrics.hits import find_hits
from tagkeras.metrics.precision_at_k import PrecisionAtK
from tagkeras.metrics.recall_at_k import RecallAtK
from tagkeras.optimizers.row_optimizer import RowOptimizer
from tagkeras.warp.negative_sampler import NegativeSampler
from tagkeras.warp.post_tags import PostTags
from tagkeras.warp.warp_loss import warp_loss

Batch = Mapping[str, Any]


@keras.saving.register_keras_serializable(package="tagkeras")
class HashtagModel(keras.Model):
    """Scores hashtags for an image and a user: f(x, u, y) = <phi(x, u), V_y>.

    Args:
        embedding: phi.
        num_tags: Y, the size of the vocabulary.
        max_norm: C, the largest norm of a row of V and of the columns of the embedding's
            `max_norm_weights`; None for no bound.
        initial_stddev: of the normal distribution that V starts from.
        seed: of the initial V and of the negatives.

    Call arguments:
        inputs: dict with `descriptor` float [B, n] and `user_descriptor` float [B, m].

    Returns:
        phi, float [B, d]. `scores` and `top_k` go on from there.

    Training takes batches as `tagkeras.data.input` makes them: the inputs, and the ragged int64
    `tags`, `tags_removed` and int64 [B] `out_of_vocabulary`.

    References:
        Denton et al., "User Conditional Hashtag Prediction for Images" (KDD 2015), section 4.
    """

    def __init__(
        self,
        embedding: ImageUserEmbedding,
        num_tags: int,
        *,
        max_norm: float | None = 1.0,
        initial_stddev: float = 0.1,
        seed: int = 0,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if num_tags < 1:
            raise ValueError(f"num_tags must be at least 1, received {num_tags}")
        self.embedding = embedding
        self.num_tags = num_tags
        self.max_norm = max_norm
        self.initial_stddev = initial_stddev
        self.seed = seed
        self.tag_table = self.add_weight(
            name="tag_table",
            shape=(num_tags, embedding.embedding_dim),
            initializer=keras.initializers.RandomNormal(stddev=initial_stddev, seed=seed),
        )
        self.loss_mean = keras.metrics.Mean("loss")
        self.violator_share = keras.metrics.Mean("violator_share")
        self.mean_draws = keras.metrics.Mean("mean_draws")
        k = min(10, num_tags)
        self.ranking_metrics = [PrecisionAtK(1), RecallAtK(k), AccuracyAtK(k)]

    def compile(
        self,
        optimizer: keras.optimizers.Optimizer,
        row_optimizer: RowOptimizer,
        sampler: NegativeSampler,
        **kwargs: Any,
    ) -> None:
        """Sets what training needs.

        Args:
            optimizer: of the embedding's weights.
            row_optimizer: of the tag table.
            sampler: of the negatives; its margin is the loss's.
            **kwargs: of `keras.Model.compile`.
        """
        super().compile(optimizer=optimizer, **kwargs)
        self.row_optimizer = row_optimizer
        self.sampler = sampler
        row_optimizer.build(self.tag_table.value)

    def build(self, input_shape: Mapping[str, Shape]) -> None:
        """Makes the embedding's weights."""
        self._input_sizes = {name: shape[-1] for name, shape in input_shape.items()}
        if not self.embedding.built:  # one out of a `.keras` file is
            self.embedding.build(input_shape)
        self.built = True

    def get_build_config(self) -> dict[str, Any]:
        """The sizes that `build` took, for `.keras` files."""
        return {"input_sizes": self._input_sizes}

    def build_from_config(self, config: dict[str, Any]) -> None:
        """Undoes `get_build_config`."""
        self.build({name: (None, size) for name, size in config["input_sizes"].items()})

    def call(self, inputs: Batch) -> tf.Tensor:
        """Phi of a batch: see the class."""
        return self.embedding(
            {"descriptor": inputs["descriptor"], "user_descriptor": inputs["user_descriptor"]}
        )

    def scores(self, phi: tf.Tensor) -> tf.Tensor:
        """F of every hashtag: [B, d] -> [B, Y]."""
        return tf.matmul(phi, self.tag_table.value, transpose_b=True)

    def top_k(self, phi: tf.Tensor, k: int) -> tuple[tf.Tensor, tf.Tensor]:
        """The k best hashtags, ties to the lower id: scores float [B, k] and ids int64 [B, k]."""
        scores, ids = tf.math.top_k(self.scores(phi), k)
        return scores, tf.cast(ids, tf.int64)

    def train_step(self, data: Batch) -> dict[str, Any]:
        """One WARP step on a batch of posts."""
        table = self.tag_table.value
        post_tags = PostTags.from_ragged(data["tags"], data["tags_removed"])
        with tf.GradientTape() as tape:
            phi = self(data, training=True)
            with tape.stop_recording():
                step = tf.cast(self.optimizer.iterations, tf.int32)
                negatives = self.sampler.sample(
                    phi, table, post_tags, tf.stack([tf.constant(self.seed), step])
                )
                pairs = tf.where(negatives.found)[:, 0]
                positive_tag = tf.gather(post_tags.tag, pairs)
                negative_tag = tf.gather(negatives.tag, pairs)
                post = tf.gather(post_tags.post, pairs)
                draws = tf.gather(negatives.draws, pairs)
                candidates = self.num_tags - tf.gather(post_tags.num_excluded, post)
                ids, rows_of_pairs = tf.unique(tf.concat([positive_tag, negative_tag], axis=0))
                positive_row, negative_row = tf.split(rows_of_pairs, 2)
                rows = tf.gather(table, ids)
            tape.watch(rows)
            phi_of_pairs = tf.gather(phi, post)
            losses = warp_loss(
                tf.reduce_sum(phi_of_pairs * tf.gather(rows, positive_row), axis=1),
                tf.reduce_sum(phi_of_pairs * tf.gather(rows, negative_row), axis=1),
                draws,
                candidates,
                self.sampler.margin,
            )
            # Positives without a violator lose nothing, and count in the mean.
            num_positives = tf.cast(tf.maximum(tf.size(post_tags.tag), 1), losses.dtype)
            loss = tf.reduce_sum(losses) / num_positives
        weights = self.embedding.trainable_variables
        *gradients, row_gradients = tape.gradient(loss, [*(w.value for w in weights), rows])
        self.optimizer.apply(gradients, weights)
        self.row_optimizer.apply(table, ids, tf.convert_to_tensor(row_gradients))
        if self.max_norm is not None:
            self.embedding.project(self.max_norm)
        self.loss_mean.update_state(loss, num_positives)
        self.violator_share.update_state(tf.cast(negatives.found, tf.float32))
        self.mean_draws.update_state(tf.cast(negatives.draws, tf.float32))
        return {
            metric.name: metric.result()
            for metric in (self.loss_mean, self.violator_share, self.mean_draws)
        }

    def test_step(self, data: Batch) -> dict[str, Any]:
        """Ranks the whole vocabulary for a batch of posts and scores the top k."""
        k = max(metric.k for metric in self.ranking_metrics)
        _, predictions = self.top_k(self(data, training=False), k)
        hits = find_hits(predictions, data["tags"])
        num_truth = data["tags"].row_lengths() + data["out_of_vocabulary"]
        for metric in self.ranking_metrics:
            metric.update_state(hits, num_truth)
        return {metric.name: metric.result() for metric in self.ranking_metrics}

    def get_config(self) -> dict[str, Any]:
        """The arguments of `__init__`."""
        return {
            **super().get_config(),
            "embedding": keras.saving.serialize_keras_object(self.embedding),
            "num_tags": self.num_tags,
            "max_norm": self.max_norm,
            "initial_stddev": self.initial_stddev,
            "seed": self.seed,
        }

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> "HashtagModel":
        """Undoes `get_config`."""
        embedding = keras.saving.deserialize_keras_object(
            config.pop("embedding"), custom_objects=custom_objects
        )
        return cls(embedding, **config)
