"""P@k."""

import keras
import tensorflow as tf

from tagkeras.metrics.top_k_metric import TopKMetric


@keras.saving.register_keras_serializable(package="tagkeras")
class PrecisionAtK(TopKMetric):
    """P@k = |top_k & truth| / k: the share of the predictions that are right.

    Example:
        >>> metric = PrecisionAtK(2)
        >>> metric.update_state(tf.constant([[True, False]]), tf.constant([4]))
        >>> float(metric.result())
        0.5
    """

    symbol = "P"

    def score(self, hits: tf.Tensor, num_truth: tf.Tensor) -> tf.Tensor:
        """See `TopKMetric.score`."""
        del num_truth
        return tf.reduce_sum(hits, axis=1) / self.k
