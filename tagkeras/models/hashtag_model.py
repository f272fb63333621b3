"""The Keras model: an embedding of (image, user) and a table of hashtags."""

import functools
from collections.abc import Mapping, Sequence
from types import SimpleNamespace
from typing import Any

import keras
import tensorflow as tf

from tagkeras import losses, metrics, optimizers
from tagkeras.data.post_tags import INPUTS, PostTags, Truth
from tagkeras.models.input_dropout import InputDropout
from tagkeras.models.training_step import take_step
from tagkeras.names import REDUCTIONS
from tagkeras.retrieval.top_k import top_k

Inputs = Mapping[str, Any]


@keras.saving.register_keras_serializable(package="tagkeras")
class HashtagModel(keras.Model):
    """Scores hashtags for an image and a user: f(x, u, y) = <phi(x, u), V_y>.

    `fit` and `evaluate` take batches of (inputs, tags). The tags of a post are vocabulary ids: a
    ragged int tensor [B, (tags)], a dense one [B, t] padded with -1, or a dict of such `tags` and,
    optionally, `tags_removed` (neither positives nor negatives) and `out_of_vocabulary` [B] (the
    number of further hashtags, for the metrics). `evaluate` ranks the whole vocabulary and gives
    the metrics; `predict` gives phi, as a call does, and `top_k` the hashtags for it.

    Args:
        embedding: phi, a layer or a model of any kind that maps the inputs to [B, d]. Where it, or
            a layer of it, has `max_norm_weights`, a list of weights of shape [length, vectors],
            their columns are projected after each step.
        num_tags: Y, the size of the vocabulary.
        max_norm: C, the largest norm of a row of V and of a column of the `max_norm_weights`; None
            for no bound.
        initial_stddev: of the normal distribution that V starts from.
        seed: of the initial V, of the negatives and of `input_dropout`.
        input_dropout: what training hides of the inputs; None for nothing.

    Call arguments:
        inputs: dict with `descriptor` float [B, n] and `user_descriptor` float [B, m].

    Returns:
        phi, float32 [B, d].

    Attributes:
        tag_table: V, float32 [Y, d], once the model is built.

    Example:
        >>> model = HashtagModel(tagkeras.layers.MultiplicativeEmbedding(8, rank=10), num_tags=50)
        >>> model.compile(
        ...     optimizer=keras.optimizers.Adagrad(0.05, initial_accumulator_value=1e-6),
        ...     loss=tagkeras.losses.Warp(margin=0.1),
        ...     metrics=[tagkeras.metrics.RecallAtK(10)],
        ... )
        >>> inputs = {"descriptor": np.ones([4, 16]), "user_descriptor": np.ones([4, 10])}
        >>> tags = np.array([[3, 8], [5, -1], [3, -1], [0, 7]])
        >>> history = model.fit(inputs, tags, batch_size=2, epochs=2, verbose=0)
        >>> scores, ids = model.top_k(model.predict(inputs, verbose=0), k=5)
        >>> ids.shape
        TensorShape([4, 5])

    References:
        Denton et al., "User Conditional Hashtag Prediction for Images" (KDD 2015), section 4.
    """

    def __init__(
        self,
        embedding: keras.layers.Layer,
        num_tags: int,
        *,
        max_norm: float | None = 1.0,
        initial_stddev: float = 0.1,
        seed: int = 0,
        input_dropout: InputDropout | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if num_tags < 1:
            raise ValueError(f"num_tags must be at least 1, received {num_tags}")
        if max_norm is not None and max_norm <= 0:
            raise ValueError(f"max_norm must be above 0, received {max_norm}")
        self.embedding = embedding
        self.num_tags = num_tags
        self.max_norm = max_norm
        self.initial_stddev = initial_stddev
        self.seed = seed
        self.input_dropout = input_dropout
        self._compiled = SimpleNamespace(ranking=[], means=[])

    def build(self, input_shape: Mapping[str, Sequence[int | None]]) -> None:
        """Makes the embedding's weights and the tag table."""
        self._input_sizes = {name: input_shape[name][-1] for name in INPUTS}
        with tf.init_scope():  # `fit` builds a model while its step is traced
            # Calling it, which works for every kind of layer, tells d.
            one = {name: tf.zeros([1, size]) for name, size in self._input_sizes.items()}
            phi = self.embedding(one)
        if len(phi.shape) != 2 or phi.shape[-1] is None:
            raise ValueError(f"the embedding must give a tensor [batch, d], not {phi.shape}")
        self.tag_table = self.add_weight(
            name="tag_table",
            shape=(self.num_tags, phi.shape[-1]),
            initializer=keras.initializers.RandomNormal(stddev=self.initial_stddev, seed=self.seed),
            dtype="float32",
        )
        self.built = True
        self._prepare_training()

    def call(self, inputs: Inputs) -> tf.Tensor:
        """Phi of a batch, float32 [B, d]."""
        return tf.cast(self.embedding({name: inputs[name] for name in INPUTS}), tf.float32)

    def scores(self, phi: tf.Tensor) -> tf.Tensor:
        """The scores f of all hashtags: [B, d] -> [B, Y], float32."""
        return tf.matmul(phi, self.tag_table.value, transpose_b=True)

    def top_k(self, phi: tf.Tensor, k: int) -> tuple[tf.Tensor, tf.Tensor]:
        """The k best hashtags, ties to the lower id: scores float [B, k] and ids int64 [B, k].

        Memory does not grow with B * Y. `tagkeras.retrieval` has the same as a layer.
        """
        return top_k(tf.convert_to_tensor(phi), self.tag_table.value, k)

    def compile(
        self,
        optimizer: keras.optimizers.Optimizer | str | None = None,
        loss: losses.RankingLoss | str = "warp",
        metrics: Sequence[keras.metrics.Metric] | None = None,
        *,
        row_optimizer: optimizers.RowOptimizer | str | None = None,
        reduction: str = "mean",
        jit_compile: bool = False,
        **kwargs: Any,
    ) -> None:
        """Sets what training and evaluation need.

        Args:
            optimizer: of the embedding's weights; by default Adagrad at a rate of 0.05, its
                accumulator from 1e-6.
            loss: one of `tagkeras.losses`, or its name.
            metrics: of `tagkeras.metrics`; by default P@1, R@10 and A@10.
            row_optimizer: of the tag table, one of `tagkeras.optimizers`; by default
                `tagkeras.optimizers.matching(optimizer)`, at the rate of `optimizer`.
            reduction: of the loss: `mean` over the positives of a batch, or their `sum`, the
                paper's, whose steps are as many times as long.
            jit_compile: whether XLA compiles the step, its draws and its updates included. Batches
                are padded to one of few shapes then, each of which is compiled once.
            **kwargs: of `keras.Model.compile`.

        Raises:
            ValueError: a metric asks for more hashtags than there are; no such reduction.
        """
        if reduction not in REDUCTIONS:
            raise ValueError(f"reduction must be one of {REDUCTIONS}, received {reduction!r}")
        if optimizer is None:
            optimizer = keras.optimizers.Adagrad(0.05, initial_accumulator_value=1e-6)
        # Only `take_step` is compiled: XLA cannot compile the padding of the batches.
        super().compile(optimizer=optimizer, jit_compile=False, **kwargs)
        self.loss = losses.get(loss)
        self.row_optimizer = optimizers.get(row_optimizer or optimizers.matching(self.optimizer))
        ranking = list(_default_metrics(self.num_tags) if metrics is None else metrics)
        for metric in ranking:
            if metric.k > self.num_tags:
                raise ValueError(f"{metric.name}: there are only {self.num_tags} hashtags")
        means = [keras.metrics.Mean(name) for name in ("loss", *self.loss.measures)]
        # Hidden from Keras, which tracks and saves the lists among a model's attributes.
        self._compiled = SimpleNamespace(ranking=ranking, means=means)
        self.reduction, self.for_xla = reduction, jit_compile
        if self.built:
            self._prepare_training()

    def _prepare_training(self) -> None:
        """Makes the optimizers' variables and the step, once the model is compiled and built."""
        if not self.compiled:
            return
        with tf.init_scope():
            self.optimizer.build(self.embedding.trainable_variables)
            self.row_optimizer.build(self.tag_table.value)
        step = functools.partial(take_step, self)
        self.take_step = tf.function(step, jit_compile=True) if self.for_xla else step

    def train_step(self, data: Any, thread: tf.Tensor | int = 0) -> dict[str, Any]:
        """One step on a batch of posts.

        Args:
            data: (inputs, tags).
            thread: as in `take_step`.
        """
        inputs, tags, sample_weight = keras.utils.unpack_x_y_sample_weight(data)
        if sample_weight is not None:
            raise ValueError("sample_weight is not supported in training")
        inputs = {name: inputs[name] for name in INPUTS}
        if not self.built:
            self.build({name: values.shape for name, values in inputs.items()})
        post_tags = PostTags.from_truth(Truth.parse(tags), pad=self.for_xla)
        measured = self.take_step(inputs, post_tags, thread)
        for mean in self.training_metrics:
            mean.update_state(*measured[mean.name])
        return {mean.name: mean.result() for mean in self.training_metrics}

    def test_step(self, data: Any) -> dict[str, Any]:
        """Ranks the whole vocabulary for a batch of posts and updates the metrics."""
        inputs, tags, sample_weight = keras.utils.unpack_x_y_sample_weight(data)
        truth, ranking = Truth.parse(tags), self.ranking_metrics
        k = max((metric.k for metric in ranking), default=1)
        _, ids = self.top_k(self(inputs, training=False), k)
        for metric in ranking:
            metric.update_state(truth, ids, sample_weight)
        return _results(ranking)

    @property
    def training_metrics(self) -> list[keras.metrics.Metric]:
        """Means over the epoch: the loss, and the measures of its draws."""
        return list(self._compiled.means)

    @property
    def ranking_metrics(self) -> list[keras.metrics.Metric]:
        """The metrics of `evaluate`."""
        return list(self._compiled.ranking)

    @property
    def metrics(self) -> list[keras.metrics.Metric]:
        """The metrics of training and of `evaluate`."""
        return [*self.training_metrics, *self.ranking_metrics]

    def get_config(self) -> dict[str, Any]:
        """The arguments of `__init__`."""
        return {
            **super().get_config(),
            "embedding": keras.saving.serialize_keras_object(self.embedding),
            "num_tags": self.num_tags,
            "max_norm": self.max_norm,
            "initial_stddev": self.initial_stddev,
            "seed": self.seed,
            "input_dropout": keras.saving.serialize_keras_object(self.input_dropout),
        }

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> "HashtagModel":
        """Undoes `get_config`."""
        parts = {
            name: keras.saving.deserialize_keras_object(config.get(name), custom_objects)
            for name in ("embedding", "input_dropout")
        }
        return cls(**{**config, **parts})

    def get_build_config(self) -> dict[str, Any]:
        """The sizes that `build` took, for `.keras` files."""
        return {"input_sizes": self._input_sizes}

    def build_from_config(self, config: dict[str, Any]) -> None:
        """Undoes `get_build_config`."""
        self.build({name: (None, size) for name, size in config["input_sizes"].items()})

    def get_compile_config(self) -> dict[str, Any] | None:
        """The arguments of `compile`, for `.keras` files."""
        if not self.compiled:
            return None
        serialize = keras.saving.serialize_keras_object
        return {
            "optimizer": serialize(self.optimizer),
            "loss": serialize(self.loss),
            "metrics": [serialize(metric) for metric in self.ranking_metrics],
            "row_optimizer": serialize(self.row_optimizer),
            "reduction": self.reduction,
            "jit_compile": self.for_xla,
            "steps_per_execution": self.steps_per_execution,
        }

    def compile_from_config(self, config: dict[str, Any]) -> None:
        """Undoes `get_compile_config`."""
        self.compile(**keras.saving.deserialize_keras_object(config))

    def save_own_variables(self, store: Any) -> None:
        """Saves the tag table and, if compiled, the state of the row optimizer."""
        store["tag_table"] = self.tag_table
        for name, variable in self._row_state().items():
            store[name] = variable

    def load_own_variables(self, store: Any) -> None:
        """Undoes `save_own_variables`; optimizer state that the file lacks keeps its value."""
        self.tag_table.assign(store["tag_table"])
        for name, variable in self._row_state().items():
            if name in store.keys():  # noqa: SIM118 (the store of Keras is no mapping)
                variable.assign(store[name])

    def _row_state(self) -> dict[str, tf.Variable]:
        return self.row_optimizer.state if self.compiled else {}


def _default_metrics(num_tags: int) -> list[keras.metrics.Metric]:
    k = min(10, num_tags)
    return [metrics.PrecisionAtK(1), metrics.RecallAtK(k), metrics.AccuracyAtK(k)]


def _results(ranking: Sequence[keras.metrics.Metric]) -> dict[str, Any]:
    results: dict[str, Any] = {}
    for metric in ranking:
        result = metric.result()
        results |= result if isinstance(result, dict) else {metric.name: result}
    return results
