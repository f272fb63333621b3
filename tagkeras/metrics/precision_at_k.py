"""P@k: the share of the predictions that are right."""

import keras
import tensorflow as tf

from tagkeras.metrics.top_k_metric import TopKMetric


@keras.saving.register_keras_serializable(package="tagkeras")
class PrecisionAtK(TopKMetric):
    """P@k = |top_k & truth| / k: the share of the predictions that are right.

    Args:
        k: how many predictions count, at least 1.
        name: by default `P@k`.

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
        """The mean of the hits, float [B]."""
        del num_truth
        return tf.reduce_sum(hits, axis=1) / self.k
