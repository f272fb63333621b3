"""Sampled softmax: cross-entropy against a pool of tags that the batch shares."""

import math

import keras
import tensorflow as tf

from tagkeras.data.post_tags import PostTags
from tagkeras.losses.ranking_loss import MASKED_SCORE, Draw, RankingLoss


@keras.saving.register_keras_serializable(package="tagkeras")
class SampledSoftmax(RankingLoss):
    """-log(e^f(y+) / (e^f(y+) + Y / S sum_s e^f(y_s))) with S tags drawn uniformly.

    The pool is drawn with replacement and shared by the batch; tags that are on a post, or were
    removed from it, are left out of its sum. The factor makes the sum an unbiased estimate of the
    sum over all other tags ("logQ correction").

    Args:
        num_negatives: S, at least 1.

    Example:
        >>> model = tagkeras.models.HashtagModel(tagkeras.layers.BilinearEmbedding(8), num_tags=50)
        >>> model.compile(loss=SampledSoftmax(num_negatives=20))

    References:
        Bengio, Senécal, "Adaptive Importance Sampling to Accelerate Training of a Neural
        Probabilistic Language Model" (2008); Yi et al., "Sampling-Bias-Corrected Neural Modeling
        for Large Corpus Item Recommendations" (RecSys 2019), equation 3.
    """

    def __init__(self, num_negatives: int = 1000) -> None:
        if num_negatives < 1:
            raise ValueError(f"num_negatives must be at least 1, received {num_negatives}")
        self.num_negatives = num_negatives

    def draw(
        self, phi: tf.Tensor, table: tf.Variable, post_tags: PostTags, seed: tf.Tensor
    ) -> Draw:
        """The positives, the pool, and what to add to each score of the pool."""
        del phi
        num_tags = table.shape[0]
        pool = tf.random.stateless_uniform([self.num_negatives], seed, 0, num_tags, tf.int64)
        pools = tf.tile(pool[tf.newaxis], [tf.shape(post_tags.num_excluded)[0], 1])
        place = tf.searchsorted(post_tags.excluded_by_post, pools)
        is_own = tf.gather(post_tags.excluded_by_post, place, batch_dims=1) == pools
        correction = math.log(num_tags / self.num_negatives)
        # Padding reads, and therefore writes, no row.
        tags = tf.where(post_tags.is_positive, post_tags.tag, num_tags)
        return Draw(
            tf.concat([tags, pool], axis=0),
            tf.where(is_own, MASKED_SCORE, correction),  # float [B, S], to add to the scores
            {},
            tf.cast(post_tags.is_positive, tf.float32),
        )

    def total(self, phi: tf.Tensor, rows: tf.Tensor, post_tags: PostTags, draw: Draw) -> tf.Tensor:
        """The sum over the positives."""
        positive, pool = rows[: -self.num_negatives], rows[-self.num_negatives :]
        negatives = tf.matmul(phi, pool, transpose_b=True) + draw.details
        of_post = tf.reduce_logsumexp(negatives, axis=1)  # shared by the post's positives
        score = tf.reduce_sum(tf.gather(phi, post_tags.post) * positive, axis=1)
        losses = tf.nn.softplus(tf.gather(of_post, post_tags.post) - score)
        return tf.reduce_sum(tf.where(post_tags.is_positive, losses, 0))
