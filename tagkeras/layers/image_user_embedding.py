"""The base class of the three embeddings phi(x, u) of an image as a user sees it."""

import abc
from collections.abc import Mapping, Sequence
from typing import Any

import keras
import tensorflow as tf

from tagkeras.layers.normalized_product import normalized_product

Shape = tuple[Any, ...]


class ImageUserEmbedding(keras.layers.Layer, abc.ABC):
    """Maps an image descriptor x and a user descriptor u to phi(x, u) in R^d.

    The descriptor is L2-normalised first (a zero descriptor stays zero), as all models of Denton
    et al. (KDD 2015, section 3.1) do. Subclasses make their weights in `build`, define `embed`,
    and list in `max_norm_weights` the weights whose columns are kept inside a ball.

    Under a mixed precision policy descriptors are normalised in float32, since their squares would
    leave the range of float16, and the products made in the policy's compute dtype.

    Call arguments:
        inputs: dict with `descriptor` float [batch, n] and `user_descriptor` float [batch, m].

    Returns:
        float [batch, embedding_dim].

    Args:
        embedding_dim: d, the size of the space shared with the hashtags.
        initial_stddev: standard deviation of the normal distribution that the weights start from.
            The multiplicative model has a saddle at zero: 0.001, the paper's value, needs many
            more steps to leave it than 0.1.
        seed: seed of the initial weights.
        user_mask: m booleans: whether each column of the user descriptor counts; the others are
            taken as 0, whatever they are. None if all count.
    """

    def __init__(
        self,
        embedding_dim: int,
        *,
        initial_stddev: float = 0.1,
        seed: int | None = None,
        user_mask: Sequence[bool] | None = None,
        **kwargs: Any,
    ) -> None:
        kwargs.setdefault("autocast", False)
        super().__init__(**kwargs)
        if embedding_dim < 1:
            raise ValueError(f"embedding_dim must be at least 1, received {embedding_dim}")
        if initial_stddev <= 0:
            raise ValueError(f"initial_stddev must be above 0, received {initial_stddev}")
        self.embedding_dim = embedding_dim
        self.initial_stddev = initial_stddev
        self.seed = seed
        self.user_mask = None if user_mask is None else [bool(counts) for counts in user_mask]

    @abc.abstractmethod
    def embed(self, descriptor: tf.Tensor, user_descriptor: tf.Tensor) -> tf.Tensor:
        """phi(x, u), descriptors not yet normalised: [batch, n], [batch, m] -> [batch, d].

        Products with the descriptor go through `image_product`, which normalises it, those with the
        user descriptor through `user_product`, which masks it.
        """

    @property
    @abc.abstractmethod
    def max_norm_weights(self) -> list[keras.Variable]:
        """The weights of shape [length, vectors] whose columns max-norm bounds."""

    def call(self, inputs: Mapping[str, tf.Tensor]) -> tf.Tensor:
        """phi(x, u) of a batch."""
        descriptor = tf.convert_to_tensor(inputs["descriptor"])
        return self.embed(descriptor, tf.convert_to_tensor(inputs["user_descriptor"]))

    def user_product(self, user_descriptor: tf.Tensor, weight: keras.Variable) -> tf.Tensor:
        """User descriptors [batch, m], masked, times the transpose of a weight [k, m]."""
        user_descriptor = tf.cast(user_descriptor, self.compute_dtype)
        if self.user_mask is not None:
            user_descriptor = tf.where(tf.constant(self.user_mask), user_descriptor, 0)
        return tf.matmul(user_descriptor, self.in_compute_dtype(weight), transpose_b=True)

    def image_product(
        self, descriptor: tf.Tensor, weight: keras.Variable, *, transpose_weight: bool = False
    ) -> tf.Tensor:
        """The product of the L2-normalised descriptors with a weight, in the compute dtype."""
        weight = self.in_compute_dtype(weight)
        return normalized_product(descriptor, weight, transpose_weight=transpose_weight)

    def in_compute_dtype(self, weight: keras.Variable) -> tf.Tensor:
        """The weight in the compute dtype."""
        return tf.cast(weight, self.compute_dtype)

    def compute_output_shape(self, input_shape: Mapping[str, Shape]) -> Shape:
        """[batch, d]."""
        return (input_shape["descriptor"][0], self.embedding_dim)

    def add_normal_weight(
        self, name: str, *shape: int, stddev: float | None = None
    ) -> keras.Variable:
        """A trainable weight drawn from N(0, stddev^2), by default `initial_stddev`."""
        seed = None if self.seed is None else self.seed + len(self.weights)
        initializer = keras.initializers.RandomNormal(
            stddev=stddev or self.initial_stddev, seed=seed
        )
        return self.add_weight(name=name, shape=shape, initializer=initializer)

    def get_config(self) -> dict[str, Any]:
        """The arguments of `__init__`."""
        return {
            **super().get_config(),
            "embedding_dim": self.embedding_dim,
            "initial_stddev": self.initial_stddev,
            "seed": self.seed,
            "user_mask": self.user_mask,
        }
