"""phi(x) = P x, the image alone, and phi(x, u) = P x + S u, moved by the user."""

from collections.abc import Mapping

import keras
import tensorflow as tf

from tagkeras.layers.image_user_embedding import ImageUserEmbedding, Shape


@keras.saving.register_keras_serializable(package="tagkeras")
class BilinearEmbedding(ImageUserEmbedding):
    """phi(x) = P x: the same hashtags for everyone who posts the image.

    The user descriptor is an input, as in the other embeddings, and plays no part.

    Example:
        >>> embedding = BilinearEmbedding(2)
        >>> embedding({"descriptor": tf.ones([3, 4]), "user_descriptor": tf.ones([3, 5])}).shape
        TensorShape([3, 2])

    References:
        Denton et al., KDD 2015, section 4.1.
    """

    P: keras.Variable  # [d, n]

    def build(self, input_shape: Mapping[str, Shape]) -> None:
        """Makes P: d x n."""
        self.P = self.add_normal_weight("P", self.embedding_dim, input_shape["descriptor"][-1])
        self.built = True

    @property
    def max_norm_weights(self) -> list[keras.Variable]:
        """P: one column, of length d, for each feature of the image."""
        return [self.P]

    def embed(self, descriptor: tf.Tensor, user_descriptor: tf.Tensor) -> tf.Tensor:
        """P x."""
        del user_descriptor
        return self.image_product(descriptor, self.P, transpose_weight=True)


@keras.saving.register_keras_serializable(package="tagkeras")
class UserBiasedEmbedding(BilinearEmbedding):
    """phi(x, u) = P x + S u: what the user prefers whatever the image, added to the image.

    Example:
        >>> embedding = UserBiasedEmbedding(2)
        >>> embedding({"descriptor": tf.ones([3, 4]), "user_descriptor": tf.ones([3, 5])}).shape
        TensorShape([3, 2])

    References:
        Denton et al., KDD 2015, section 4.2.
    """

    S: keras.Variable  # [d, m]

    def build(self, input_shape: Mapping[str, Shape]) -> None:
        """Makes P: d x n and S: d x m."""
        super().build(input_shape)
        self.S = self.add_normal_weight("S", self.embedding_dim, input_shape["user_descriptor"][-1])

    def embed(self, descriptor: tf.Tensor, user_descriptor: tf.Tensor) -> tf.Tensor:
        """P x + S u."""
        image = super().embed(descriptor, user_descriptor)
        return image + self.user_product(user_descriptor, self.S)
