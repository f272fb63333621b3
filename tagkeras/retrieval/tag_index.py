"""What an exported model asks of its hashtags' rows."""

import abc

import tensorflow as tf


class TagIndex(tf.Module, abc.ABC):
    """The rows of a tag table, and the search for those with the largest products.

    Made of stock ops and variables, so that it can be part of a SavedModel.
    """

    @property
    @abc.abstractmethod
    def is_exact(self) -> bool:
        """Whether `top_k` finds the very best scores, always."""

    @abc.abstractmethod
    def top_k(self, phi: tf.Tensor, k: int) -> tuple[tf.Tensor, tf.Tensor]:
        """The largest products of each phi with the rows.

        Args:
            phi: float [B, d]; B may be 0.
            k: from 1 to Y.

        Returns:
            The scores, best first, float [B, k], and the ids of their rows, int64 [B, k]. Of equal
            scores the lower id comes first; which of those that equal the last one are among the k,
            only an exact index promises: the lower.
        """

    @abc.abstractmethod
    def rows(self, ids: tf.Tensor) -> tf.Tensor:
        """The rows of int64 ids [B], float [B, d]."""
