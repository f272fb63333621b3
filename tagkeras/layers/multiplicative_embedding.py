"""phi(x, u) = beta ((alpha^T h) * (gamma^T x)): the user gates the factors of the image."""

from collections.abc import Mapping
from typing import Any

import keras
import tensorflow as tf

from tagkeras.layers.image_user_embedding import ImageUserEmbedding, Shape


@keras.saving.register_keras_serializable(package="tagkeras")
class MultiplicativeEmbedding(ImageUserEmbedding):
    """phi(x, u) = beta ((alpha^T h) * (gamma^T x)) with h = ReLU(W u + b).

    A low-rank 3-way tensor Z_ijl = sum_k alpha_ik beta_jk gamma_lk, used only in its factors:
    K (user_hidden + d + n) parameters instead of user_hidden * d * n.

    Args:
        embedding_dim: d, as in `ImageUserEmbedding`.
        rank: K, the number of factors.
        user_hidden: length of h, the learned user vector.
        user_stddev: standard deviation that W starts from. It is large, since age and home town are
            small differences of numbers in [0, 1] that units have to tell apart.
        user_bias: what b starts from. Above 0, every user starts with most gates open, so that what
            the image alone tells is learned first; from 0, much of it is learned user by user.
        user_offset: adds S u + c, as the user-biased model does: what a user of a country posts
            whatever the photo, which the gates learn late. The paper's model has no such term.
        **kwargs: of `ImageUserEmbedding`.

    Example:
        >>> embedding = MultiplicativeEmbedding(2, rank=7)
        >>> embedding({"descriptor": tf.ones([3, 4]), "user_descriptor": tf.ones([3, 5])}).shape
        TensorShape([3, 2])

    References:
        Denton et al., KDD 2015, section 4.3.
    """

    W: keras.Variable  # [user_hidden, m]
    b: keras.Variable  # [user_hidden]
    alpha: keras.Variable  # [user_hidden, K]
    beta: keras.Variable  # [d, K]
    gamma: keras.Variable  # [n, K]
    S: keras.Variable  # [d, m], of `user_offset`
    c: keras.Variable  # [d], of `user_offset`

    def __init__(
        self,
        embedding_dim: int,
        *,
        rank: int = 100,
        user_hidden: int = 24,
        user_stddev: float = 1.0,
        user_bias: float = 0.5,
        user_offset: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(embedding_dim, **kwargs)
        if rank < 1 or user_hidden < 1:
            raise ValueError(
                f"rank and user_hidden must be at least 1, received {rank} and {user_hidden}"
            )
        self.rank = rank
        self.user_hidden = user_hidden
        self.user_stddev = user_stddev
        self.user_bias = user_bias
        self.user_offset = user_offset

    def build(self, input_shape: Mapping[str, Shape]) -> None:
        """Makes W and b of the user layer, and the factors alpha, beta and gamma."""
        n, m = input_shape["descriptor"][-1], input_shape["user_descriptor"][-1]
        self.W = self.add_normal_weight("W", self.user_hidden, m, stddev=self.user_stddev)
        bias = keras.initializers.Constant(self.user_bias)
        self.b = self.add_weight(name="b", shape=(self.user_hidden,), initializer=bias)
        self.alpha = self.add_normal_weight("alpha", self.user_hidden, self.rank)
        self.beta = self.add_normal_weight("beta", self.embedding_dim, self.rank)
        self.gamma = self.add_normal_weight("gamma", n, self.rank)
        if self.user_offset:
            self.S = self.add_normal_weight("S", self.embedding_dim, m)
            self.c = self.add_weight(name="c", shape=(self.embedding_dim,), initializer="zeros")
        self.built = True

    @property
    def max_norm_weights(self) -> list[keras.Variable]:
        """The three factor matrices: one column for each of the K factors."""
        return [self.alpha, self.beta, self.gamma]

    def embed_user(self, user_descriptor: tf.Tensor) -> tf.Tensor:
        """The learned user vector h = ReLU(W u + b): [batch, m] -> [batch, user_hidden]."""
        product = self.user_product(user_descriptor, self.W)
        return tf.nn.relu(product + self.in_compute_dtype(self.b))

    def embed(self, descriptor: tf.Tensor, user_descriptor: tf.Tensor) -> tf.Tensor:
        """Beta ((alpha^T h) * (gamma^T x)), and the user's offset."""
        alpha, beta = self.in_compute_dtype(self.alpha), self.in_compute_dtype(self.beta)
        gates = tf.matmul(self.embed_user(user_descriptor), alpha)
        factors = gates * self.image_product(descriptor, self.gamma)
        phi = tf.matmul(factors, beta, transpose_b=True)
        if self.user_offset:
            phi += self.user_product(user_descriptor, self.S) + self.in_compute_dtype(self.c)
        return phi

    def get_config(self) -> dict[str, Any]:
        """The arguments of `__init__`."""
        return {
            **super().get_config(),
            "rank": self.rank,
            "user_hidden": self.user_hidden,
            "user_stddev": self.user_stddev,
            "user_bias": self.user_bias,
            "user_offset": self.user_offset,
        }
