"""A@k."""

import keras
import tensorflow as tf

from tagkeras.metrics.top_k_metric import TopKMetric


@keras.saving.register_keras_serializable(package="tagkeras")
class AccuracyAtK(TopKMetric):
    """A@k = 1 if top_k and truth meet, else 0: the share of posts with a hit.

    Example:
        >>> metric = AccuracyAtK(2)
        >>> metric.update_state(tf.constant([[True, False]]), tf.constant([4]))
        >>> float(metric.result())
        1.0
    """

    symbol = "A"

    def score(self, hits: tf.Tensor, num_truth: tf.Tensor) -> tf.Tensor:
        """See `TopKMetric.score`."""
        del num_truth
        return tf.reduce_max(hits, axis=1)
