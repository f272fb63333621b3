"""The interface of the WARP samplers: who draws negatives, and what a draw tells."""

import abc
from typing import NamedTuple

import tensorflow as tf

from tagkeras.data.post_tags import PostTags


class Negatives(NamedTuple):
    """For each of P positives, the first violator and how many draws it took.

    Attributes:
        tag: int64 [P], the violating tag; 0 where none was found.
        draws: int32 [P], draws up to and including the violator; where none was found, the draws
            made, which are 0 for a post that has every tag and `max_negatives` otherwise.
        found: bool [P], whether a violator was found.
    """

    tag: tf.Tensor
    draws: tf.Tensor
    found: tf.Tensor


class NegativeSampler(abc.ABC):
    """Draws negatives until one violates f(y-) > f(y+) - margin.

    Draws are uniform, with replacement, from the tags that are not on the post, and end without a
    violator after `max_negatives` of them. All samplers follow this law; they differ in cost, and
    in how the draws of different positives depend on each other.

    Args:
        max_negatives: the most draws for a positive.
        margin: of the hinge, at least 0.

    References:
        Weston, Bengio, Usunier, "WSABIE" (IJCAI 2011), algorithm 1.
    """

    def __init__(self, *, max_negatives: int = 1000, margin: float = 0.1) -> None:
        if max_negatives < 1:
            raise ValueError(f"max_negatives must be at least 1, received {max_negatives}")
        if margin < 0:
            raise ValueError(f"margin must be at least 0, received {margin}")
        self.max_negatives = max_negatives
        self.margin = margin

    @abc.abstractmethod
    def sample(
        self, phi: tf.Tensor, table: tf.Variable, post_tags: PostTags, seed: tf.Tensor
    ) -> Negatives:
        """The negatives of a batch; the same seed gives the same draws.

        Args:
            phi: float [B, d], the embedded posts.
            table: float [Y, d], the embedded tags.
            post_tags: the tags of the batch. What only fills shapes up draws nothing.
            seed: int32 [2], of stateless random numbers.
        """

    def thresholds(self, phi: tf.Tensor, table: tf.Variable, post_tags: PostTags) -> tf.Tensor:
        """f(y+) - margin of every positive, float [P]: a score above it violates."""
        rows = tf.gather(table, post_tags.tag)
        return tf.reduce_sum(tf.gather(phi, post_tags.post) * rows, axis=1) - self.margin

    @staticmethod
    def num_candidates(table: tf.Variable, post_tags: PostTags) -> tf.Tensor:
        """Y - t of every positive, int32 [P]: how many tags are not on its post."""
        return table.shape[0] - tf.gather(post_tags.num_excluded, post_tags.post)

    @classmethod
    def has_candidates(cls, table: tf.Variable, post_tags: PostTags) -> tf.Tensor:
        """Which positives there is anything to draw for, bool [P]."""
        return (cls.num_candidates(table, post_tags) > 0) & post_tags.is_positive
