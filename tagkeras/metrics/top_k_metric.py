"""The base class of metrics over the top k predictions of each post."""

import abc
from typing import Any

import keras
import tensorflow as tf

from tagkeras.data.post_tags import Truth


class TopKMetric(keras.metrics.Mean, abc.ABC):
    """A score of each post's top k, averaged over posts.

    Subclasses define `score`. The truth of a post is every hashtag that it has, those outside the
    vocabulary included: they cannot be hit. A post without any scores 0.

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
            num_truth: float [B], how many hashtags each post has, at least 1.

        Returns:
            float [B], each in [0, 1].
        """

    def score_posts(self, hits: tf.Tensor, num_truth: tf.Tensor) -> tf.Tensor:
        """The scores of posts whose hits are known.

        Args:
            hits: bool [B, at least k], whether each prediction, best first, is right.
            num_truth: int [B], how many hashtags each post has.

        Returns:
            float32 [B].
        """
        num_truth = tf.maximum(tf.cast(num_truth, tf.float32), 1)
        return self.score(tf.cast(hits[:, : self.k], tf.float32), num_truth)

    def update_state(self, y_true: Any, y_pred: tf.Tensor, sample_weight: Any = None) -> None:
        """Adds posts.

        Args:
            y_true: the hashtags: ids as a ragged [B, (tags)] or a dense tensor [B, t] padded with
                -1, or a dict of such `tags` and `out_of_vocabulary` [B], how many more there are.
            y_pred: int [B, at least k], ids of the predictions, best first; negative where there is
                none.
            sample_weight: of the posts, [B].
        """
        truth = Truth.parse(y_true)
        hits = find_hits(tf.convert_to_tensor(y_pred), truth.tags)
        super().update_state(self.score_posts(hits, truth.num_tags), sample_weight)

    def get_config(self) -> dict[str, Any]:
        """The arguments of `__init__`."""
        return {**super().get_config(), "k": self.k}


def find_hits(predictions: tf.Tensor, tags: tf.RaggedTensor) -> tf.Tensor:
    """Whether each predicted tag is a tag of its post.

    Args:
        predictions: int [B, k], tag ids; negative where there is none, which is never right.
        tags: int64 ragged [B, (tags)], the truth.

    Returns:
        bool [B, k].
    """
    predictions = tf.cast(predictions, tf.int64)
    truth = tags.to_tensor(default_value=-1)
    is_hit = tf.reduce_any(predictions[:, :, None] == truth[:, None, :], axis=2)
    return is_hit & (predictions >= 0)
