"""The base classes of the losses: draw the negatives, then differentiate in a few rows."""

import abc
from typing import Any, NamedTuple

import tensorflow as tf

from tagkeras.configured import Configured
from tagkeras.data.post_tags import PostTags

# The score of a masked tag: its exponential is 0. Finite, so that the gradient of a sum over masked
# tags alone is not NaN.
MASKED_SCORE = -1e30


class Draw(NamedTuple):
    """The sampled part of a loss, fixed before the gradient is taken.

    Attributes:
        tags: int64 [R], the tags whose rows the loss reads, in any order, with duplicates; Y or
            more is padding. None for the whole table.
        details: tensors that `total` needs, of the loss's own choice.
        measures: values by name, float [positives], whose means training logs.
        measured: float [positives], the weight of each positive in these means.
    """

    tags: tf.Tensor | None
    details: Any
    measures: dict[str, tf.Tensor]
    measured: tf.Tensor

    def gather(self, table: tf.Variable) -> tf.Tensor:
        """The rows that the loss reads: of a table float [Y, d], float [R, d] or all of it."""
        if self.tags is None:
            return tf.convert_to_tensor(table)
        return tf.gather(table, tf.minimum(self.tags, table.shape[0] - 1))


class RankingLoss(Configured, abc.ABC):
    """A loss of the scores f = <phi, V_y> of a batch of posts.

    A step calls `draw`, gathers the rows, and differentiates `total` in phi and in these rows only,
    so that a loss that names few tags costs what they cost, however large the table is.
    """

    measures: tuple[str, ...] = ()  # names of the measures of every draw

    @abc.abstractmethod
    def draw(
        self, phi: tf.Tensor, table: tf.Variable, post_tags: PostTags, seed: tf.Tensor
    ) -> Draw:
        """Draws what the loss needs, such as negatives; equal seeds give equal draws.

        Args:
            phi: float [B, d], the embedded posts.
            table: float [Y, d], the embedded tags.
            post_tags: the tags of the batch.
            seed: int32 [2], of stateless random numbers.
        """

    @abc.abstractmethod
    def total(self, phi: tf.Tensor, rows: tf.Tensor, post_tags: PostTags, draw: Draw) -> tf.Tensor:
        """The sum of the losses of the positives, float []; differentiable in `phi` and `rows`.

        What was drawn for a batch is `draw`, and `rows`, float [R, d], are those of `draw.gather`.
        """


class Pairs(NamedTuple):
    """R pairs of a tag that is on a post and one that is not.

    Attributes:
        post: int32 [R], the row of the batch.
        weight: float [R], of the pair's loss; 0 for padding.
    """

    post: tf.Tensor
    weight: tf.Tensor


class PairLoss(RankingLoss):
    """A weighted sum over pairs: weight * pair_loss(f(y+), f(y-))."""

    @abc.abstractmethod
    def pair_loss(self, positive_scores: tf.Tensor, negative_scores: tf.Tensor) -> tf.Tensor:
        """The loss of each pair, float [R], from its scores, float [R]; differentiable."""

    def total(self, phi: tf.Tensor, rows: tf.Tensor, post_tags: PostTags, draw: Draw) -> tf.Tensor:
        """The weighted sum over the pairs that `draw_pairs` made."""
        del post_tags
        post, weight = draw.details
        positive, negative = tf.split(rows, 2)
        phi = tf.gather(phi, post)
        losses = self.pair_loss(
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
            weight: float [P], of the pairs.
            is_pair: bool [P], which positives have a negative.
            measures: as in `Draw`.
        """
        positive, post = post_tags.tag, post_tags.post
        if post_tags.is_padded:
            # Y is padding: no row is read or written.
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
