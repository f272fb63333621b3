"""The base class of metrics over the top k predictions of each post."""

import abc
from typing import Any

import keras
import tensorflow as tf


class TopKMetric(keras.metrics.Mean, abc.ABC):
    """A score of each post's top k, averaged over posts.

    Subclasses define `score`. Truth counts every hashtag of the post, those outside the
    vocabulary included: they can not be hit.

    Args:
        k: how many predictions count, at least 1.
        name: by default the symbol of the metric and k, as in `P@1`.
    """

    symbol: str

    def __init__(self, k: int, name: str | None = None, **kwargs: Any) -> None:
        if k < 1:
            raise ValueError(f"k must be at least 1, received {k}")
        super().__init__(name=name or f"{self.symbol}@{k}", **kwargs)
        self.k = k

    @abc.abstractmethod
    def score(self, hits: tf.Tensor, num_truth: tf.Tensor) -> tf.Tensor:
        """Scores posts, each by itself.

        Args:
            hits: float [B, k], 1 where a prediction, best first, is a hashtag of its post, else 0.
            num_truth: float [B], |truth| of each post, at least 1.

        Returns:
            float [B], each in [0, 1].
        """

    def score_posts(self, hits: tf.Tensor, num_truth: tf.Tensor) -> tf.Tensor:
        """The scores of posts, float32 [B]; arguments as of `update_state`."""
        return self.score(tf.cast(hits[:, : self.k], tf.float32), tf.cast(num_truth, tf.float32))

    def update_state(self, hits: tf.Tensor, num_truth: tf.Tensor) -> None:
        """Adds posts.

        Args:
            hits: bool [B, at least k], whether each prediction, best first, is right.
            num_truth: int [B], how many hashtags each post has, at least 1.
        """
        super().update_state(self.score_posts(hits, num_truth))

    def get_config(self) -> dict[str, Any]:
        """The arguments of `__init__`."""
        return {**super().get_config(), "k": self.k}
