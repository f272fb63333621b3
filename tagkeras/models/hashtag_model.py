"""The Keras model: an embedding of (image, user) and a table of hashtags."""

from collections.abc import Callable, Mapping
from typing import Any

import keras
import tensorflow as tf

from tagkeras.data.post_store import PostStore
from tagkeras.data.post_tags import PostTags
from tagkeras.layers.image_user_embedding import ImageUserEmbedding, Shape
from tagkeras.layers.normalized_product import norm_of
from tagkeras.losses.ranking_loss import RankingLoss
from tagkeras.metrics.accuracy_at_k import AccuracyAtK
from tagkeras.metrics.hits import find_hits
from tagkeras.metrics.precision_at_k import PrecisionAtK
from tagkeras.metrics.recall_at_k import RecallAtK
from tagkeras.models.ranking_step import RankingStep
from tagkeras.optimizers.row_optimizer import RowOptimizer
from tagkeras.retrieval.top_k import top_k

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
        k = min(10, num_tags)
        self._lookup: Callable[[Batch], Batch] | None = None
        self._get_means: Callable[[], dict[str, keras.metrics.Mean]] = dict
        self.ranking_metrics = [PrecisionAtK(1), RecallAtK(k), AccuracyAtK(k)]

    def compile(
        self,
        optimizer: keras.optimizers.Optimizer,
        row_optimizer: RowOptimizer,
        ranking_loss: RankingLoss,
        *,
        jit_compile: bool = False,
        post_store: PostStore | None = None,
        **kwargs: Any,
    ) -> None:
        """Sets what training needs.

        Args:
            optimizer: of the embedding's weights.
            row_optimizer: of the tag table.
            ranking_loss: what is minimised.
            jit_compile: whether XLA compiles the step, its draws and its updates included. Batches
                are padded to one of few shapes then, each of which is compiled once.
            post_store: where batches name rows of it, in place of bringing the posts themselves.
            **kwargs: of `keras.Model.compile`.
        """
        # Keras would compile what pads the batches as well, which XLA cannot.
        super().compile(optimizer=optimizer, jit_compile=False, **kwargs)
        row_optimizer.build(self.tag_table.value)
        self.row_optimizer = row_optimizer
        self.ranking_loss = ranking_loss
        # The method alone: what a model has as attributes is saved with it.
        self._lookup = None if post_store is None else post_store.lookup
        self.is_step_compiled = jit_compile
        step = RankingStep(
            self.embedding,
            self.tag_table.value,
            loss=ranking_loss,
            optimizer=self.optimizer,
            row_optimizer=row_optimizer,
            max_norm=self.max_norm,
            seed=self.seed,
        )
        self.take_step = tf.function(step, jit_compile=True) if jit_compile else step
        self._get_means = step.means.copy

    def get_compile_config(self) -> None:
        """Nothing: `.keras` files hold the weights; who trains on compiles anew."""

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
        inputs = {name: inputs[name] for name in ("descriptor", "user_descriptor")}
        return tf.cast(self.embedding(inputs), tf.float32)

    def scores(self, phi: tf.Tensor) -> tf.Tensor:
        """F of every hashtag: [B, d] -> [B, Y], float32."""
        return tf.matmul(phi, self.tag_table.value, transpose_b=True)

    def top_k(self, phi: tf.Tensor, k: int) -> tuple[tf.Tensor, tf.Tensor]:
        """The k best hashtags, ties to the lower id: scores float [B, k] and ids int64 [B, k].

        Memory does not grow with B * Y: see `tagkeras.retrieval.top_k`.
        """
        return top_k(phi, self.tag_table.value, k)

    def train_step(self, data: Batch, thread: tf.Tensor | int = 0) -> dict[str, Any]:
        """One step on a batch of posts; `thread` as in `RankingStep`."""
        if self._lookup is not None:
            data = self._lookup(data)
        post_tags = PostTags.from_ragged(
            data["tags"], data["tags_removed"], pad=self.is_step_compiled
        )
        inputs = {
            "descriptor": data["descriptor"],
            "descriptor_norm": norm_of(tf.cast(data["descriptor"], tf.float32)),
            "user_descriptor": data["user_descriptor"],
        }
        measured = self.take_step(inputs, post_tags, thread)
        means = self._get_means()
        for name, mean in means.items():
            mean.update_state(*measured[name])
        return {name: mean.result() for name, mean in means.items()}

    @property
    def training_metrics(self) -> list[keras.metrics.Metric]:
        """Means over the epoch of what `train_step` measures; none before `compile`."""
        return list(self._get_means().values())

    @property
    def metrics(self) -> list[keras.metrics.Metric]:
        """Those of rankings and those of training."""
        return [*super().metrics, *self.training_metrics]

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
