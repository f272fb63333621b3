"""Losses of pairs: a tag that is on the post, and one that is not."""

import abc
from typing import NamedTuple

import tensorflow as tf

from tagkeras.data.post_tags import PostTags
from tagkeras.losses.ranking_loss import Draw, RankingLoss


class Pairs(NamedTuple):
    """R pairs of tags, each of one post.

    Attributes:
        post: int32 [R], the row of the batch.
        weight: float [R] of the pair's loss, 0 for what only fills the shape up.
    """

    post: tf.Tensor
    weight: tf.Tensor


class PairLoss(RankingLoss):
    """The sum over pairs of weight * loss(f(y+), f(y-))."""

    @abc.abstractmethod
    def loss(self, positive_scores: tf.Tensor, negative_scores: tf.Tensor) -> tf.Tensor:
        """The loss of pairs by their scores, float [R]; differentiable."""

    def total(self, phi: tf.Tensor, rows: tf.Tensor, post_tags: PostTags, draw: Draw) -> tf.Tensor:
        """See `RankingLoss.total`."""
        del post_tags
        post, weight = draw.details
        positive, negative = tf.split(rows, 2)
        phi = tf.gather(phi, post)
        losses = self.loss(
            tf.reduce_sum(phi * positive, axis=1), tf.reduce_sum(phi * negative, axis=1)
        )
        return tf.reduce_sum(weight * losses)

    @staticmethod
    def draw_pairs(
        table: tf.Variable,
        post_tags: PostTags,
        negative: tf.Tensor,
        weight: tf.Tensor,
        is_pair: tf.Tensor,
        measures: dict[str, tf.Tensor],
    ) -> Draw:
        """The draw of pairs.

        Args:
            table: float [Y, d].
            post_tags: of the batch.
            negative: int64 [P], the tag drawn for each positive.
            weight: float [P].
            is_pair: bool [P], which positives there is a pair of.
            measures: as in `Draw`.
        """
        positive, post = post_tags.tag, post_tags.post
        if post_tags.is_padded:
            # Y stands for no tag: its row is neither read nor written.
            positive = tf.where(is_pair, positive, table.shape[0])
            negative = tf.where(is_pair, negative, table.shape[0])
            weight = tf.where(is_pair, weight, 0)
        else:
            kept = tf.where(is_pair)[:, 0]
            positive, negative, post, weight = (
                tf.gather(values, kept) for values in (positive, negative, post, weight)
            )
        return Draw(
            tf.concat([positive, negative], axis=0),
            Pairs(post, weight),
            measures,
            tf.cast(post_tags.is_positive, tf.float32),
        )
