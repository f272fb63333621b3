"""The base class of the samplers, which draw the negatives of WARP."""

import abc
from typing import NamedTuple

import tensorflow as tf

from tagkeras.configured import Configured
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


class Sampler(Configured, abc.ABC):
    """Draws negatives until one scores above the threshold of its positive, f(y+) - margin.

    Draws are uniform, with replacement, from the tags that are not on the post, and end without a
    violator after `max_negatives` of them. All samplers follow this law; they differ in cost, and
    in how the draws of different positives depend on each other.

    Args:
        max_negatives: the most draws for a positive, at least 1.

    References:
        Weston, Bengio, Usunier, "WSABIE" (IJCAI 2011), algorithm 1.
    """

    def __init__(self, *, max_negatives: int = 1000) -> None:
        if max_negatives < 1:
            raise ValueError(f"max_negatives must be at least 1, received {max_negatives}")
        self.max_negatives = max_negatives

    @abc.abstractmethod
    def sample(
        self,
        phi: tf.Tensor,
        table: tf.Variable,
        post_tags: PostTags,
        thresholds: tf.Tensor,
        seed: tf.Tensor,
    ) -> Negatives:
        """The negatives of a batch; the same seed gives the same draws.

        Args:
            phi: float [B, d], the embedded posts.
            table: float [Y, d], the embedded tags.
            post_tags: the tags of the batch. Padding draws nothing.
            thresholds: float [P], f(y+) - margin: a score above it violates.
            seed: int32 [2], of stateless random numbers.
        """
