"""P@k, R@k, A@k, MRR@k and nDCG@k of the top k predictions of each post, and their base class."""

import abc
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from tagkeras.data.post_tags import Truth


class TopKMetric(keras.metrics.Mean, abc.ABC):
    """A score of each post's top k, averaged over posts.

    Subclasses define `score`. The truth of a post is every hashtag that it has, those outside the
    vocabulary included: they cannot be hit. A post without any scores 0.

    Args:
        k: how many predictions count, at least 1.
        name: by default the symbol of the metric and k, as in `P@1`.
        **kwargs: of `keras.metrics.Mean`.
    """

    symbol: str

    def __init__(self, k: int, name: str | None = None, **kwargs: Any) -> None:
        if k < 1:
            raise ValueError(f"k must be at least 1, received {k}")
        super().__init__(name=name or f"{self.symbol}@{k}", **kwargs)
        self.k = k

    @abc.abstractmethod
    def score(self, hits: tf.Tensor, num_truth: tf.Tensor) -> tf.Tensor:
        """Scores each post from its hits.

        Args:
            hits: float [B, k], 1 where a prediction, best first, is a hashtag of its post, else 0.
            num_truth: float [B], how many hashtags each post has, at least 1.

        Returns:
            float [B], each in [0, 1].
        """

    def score_posts(self, hits: tf.Tensor, num_truth: tf.Tensor) -> tf.Tensor:
        """The scores, float32 [B], of `hits` bool [B, at least k] and `num_truth` int [B]."""
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


@keras.saving.register_keras_serializable(package="tagkeras")
class PrecisionAtK(TopKMetric):
    """P@k = |top_k & truth| / k: the share of the predictions that are correct.

    Example:
        >>> metric = PrecisionAtK(2)
        >>> metric.update_state(y_true=[[5, 1, 8, 9]], y_pred=[[5, 3, 1]])
        >>> float(metric.result())
        0.5

    References:
        Denton et al., KDD 2015, section 5.3.
    """

    symbol = "P"

    def score(self, hits: tf.Tensor, num_truth: tf.Tensor) -> tf.Tensor:
        """Hits / k."""
        del num_truth
        return tf.reduce_sum(hits, axis=1) / self.k


@keras.saving.register_keras_serializable(package="tagkeras")
class RecallAtK(TopKMetric):
    """R@k = |top_k & truth| / |truth|: the share of a post's hashtags that are found.

    Example:
        >>> metric = RecallAtK(2)
        >>> metric.update_state(y_true=[[5, 1, 8, 9]], y_pred=[[5, 3, 1]])
        >>> float(metric.result())
        0.25

    References:
        Denton et al., KDD 2015, section 5.3.
    """

    symbol = "R"

    def score(self, hits: tf.Tensor, num_truth: tf.Tensor) -> tf.Tensor:
        """Hits / number of hashtags of the post."""
        return tf.reduce_sum(hits, axis=1) / num_truth


@keras.saving.register_keras_serializable(package="tagkeras")
class AccuracyAtK(TopKMetric):
    """A@k = 1 if top_k and truth meet, else 0: the share of posts with a hit.

    Example:
        >>> metric = AccuracyAtK(2)
        >>> metric.update_state(y_true=[[5, 8]], y_pred=[[3, 5, 1]])
        >>> float(metric.result())
        1.0

    References:
        Denton et al., KDD 2015, section 5.3.
    """

    symbol = "A"

    def score(self, hits: tf.Tensor, num_truth: tf.Tensor) -> tf.Tensor:
        """1 for a post with a hit, else 0."""
        del num_truth
        return tf.reduce_max(hits, axis=1)


@keras.saving.register_keras_serializable(package="tagkeras")
class MRRAtK(TopKMetric):
    """MRR@k: the mean of 1 / the position of the first hit; 0 for a post without a hit.

    Example:
        >>> metric = MRRAtK(2)
        >>> metric.update_state(y_true=[[5, 8]], y_pred=[[3, 5, 1]])
        >>> float(metric.result())
        0.5

    References:
        Voorhees, "The TREC-8 Question Answering Track Report" (1999).
    """

    symbol = "MRR"

    def score(self, hits: tf.Tensor, num_truth: tf.Tensor) -> tf.Tensor:
        """1 / the position of the first hit."""
        del num_truth
        positions = tf.range(1, self.k + 1, dtype=hits.dtype)
        return tf.reduce_max(hits / positions, axis=1)


@keras.saving.register_keras_serializable(package="tagkeras")
class NDCGAtK(TopKMetric):
    """nDCG@k = DCG@k / ideal DCG@k, where a hit at position i counts 1 / log2(i + 1).

    The ideal list begins with min(k, |truth|) hits.

    Example:
        >>> metric = NDCGAtK(2)
        >>> metric.update_state(y_true=[[5]], y_pred=[[3, 5, 1]])
        >>> round(float(metric.result()), 4)  # log2(2) / log2(3)
        0.6309

    References:
        Järvelin and Kekäläinen, "Cumulated gain-based evaluation of IR techniques" (TOIS 2002),
        with gains of 0 and 1 and the discount of scikit-learn's `ndcg_score`.
    """

    symbol = "nDCG"

    def score(self, hits: tf.Tensor, num_truth: tf.Tensor) -> tf.Tensor:
        """DCG / ideal DCG."""
        discounts = (1 / np.log2(np.arange(2, self.k + 2))).astype(np.float32)
        ideal = tf.constant(np.cumsum(discounts, dtype=np.float32))
        best = tf.minimum(tf.cast(num_truth, tf.int32), self.k)
        return tf.linalg.matvec(hits, discounts) / tf.gather(ideal, best - 1)


def find_hits(predictions: tf.Tensor, tags: tf.RaggedTensor) -> tf.Tensor:
    """Whether each predicted tag is a tag of its post.

    Args:
        predictions: int [B, k], tag ids; negative where there is none, which is never a hit.
        tags: int64 ragged [B, (tags)], the truth.

    Returns:
        bool [B, k].
    """
    predictions = tf.cast(predictions, tf.int64)
    truth = tags.to_tensor(default_value=-1)
    is_hit = tf.reduce_any(predictions[:, :, None] == truth[:, None, :], axis=2)
    return is_hit & (predictions >= 0)
