"""A@k: the share of posts with a hit."""

import keras
import tensorflow as tf

from tagkeras.metrics.top_k_metric import TopKMetric


@keras.saving.register_keras_serializable(package="tagkeras")
class AccuracyAtK(TopKMetric):
    """A@k = 1 if top_k and truth meet, else 0: the share of posts with a hit.

    Args:
        k: how many predictions count, at least 1.
        name: by default `A@k`.

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
        """1 for a post with a hit, float [B]."""
        del num_truth
        return tf.reduce_max(hits, axis=1)
