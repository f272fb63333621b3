"""The interface of the losses: what is drawn, which rows of the table are read, what is lost."""

import abc
from typing import Any, NamedTuple

import tensorflow as tf

from tagkeras.data.post_tags import PostTags

# A score that adds nothing to a sum of exponentials; finite, so that a sum of nothing else has a
# gradient.
NOTHING = -1e30


class Draw(NamedTuple):
    """What a loss is taken at, chosen before and outside of the gradient.

    Attributes:
        tags: int64 [R], the tags whose rows the loss reads, in any order and more than once; those
            of Y or more only fill the shape up. None for the whole table.
        details: tensors that the loss takes from its draw to its value.
        measures: name of a measure to its values, float [positives], to be averaged and shown.
        measured: float [positives], the weight of each positive in these averages.
    """

    tags: tf.Tensor | None
    details: Any
    measures: dict[str, tf.Tensor]
    measured: tf.Tensor


class RankingLoss(abc.ABC):
    """A loss of the scores f = <phi, V_y> of a batch of posts.

    A step calls `draw`, gathers the rows, and differentiates `total` in phi and in these rows only,
    so that a loss that names few tags costs what they cost, however large the table is.
    """

    measures: tuple[str, ...] = ()  # names of the measures of every draw

    @abc.abstractmethod
    def draw(
        self, phi: tf.Tensor, table: tf.Variable, post_tags: PostTags, seed: tf.Tensor
    ) -> Draw:
        """Chooses what the loss is taken at; the same seed chooses the same.

        Args:
            phi: float [B, d], the embedded posts.
            table: float [Y, d], the embedded tags.
            post_tags: the tags of the batch.
            seed: int32 [2], of stateless random numbers.
        """

    @abc.abstractmethod
    def total(self, phi: tf.Tensor, rows: tf.Tensor, post_tags: PostTags, draw: Draw) -> tf.Tensor:
        """The sum of the losses of the positives, float []; differentiable in `phi` and `rows`.

        Args:
            phi: float [B, d].
            rows: float [R, d] of `draw.tags`, or [Y, d].
            post_tags: of the batch.
            draw: of this batch.
        """


def gather_filled(table: tf.Variable, tags: tf.Tensor) -> tf.Tensor:
    """The rows of tags, of which those of Y or more only fill the shape up: [R] -> [R, d]."""
    return tf.gather(table, tf.minimum(tags, table.shape[0] - 1))
