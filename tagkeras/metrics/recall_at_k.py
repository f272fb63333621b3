"""R@k."""

import keras
import tensorflow as tf

from tagkeras.metrics.top_k_metric import TopKMetric


@keras.saving.register_keras_serializable(package="tagkeras")
class RecallAtK(TopKMetric):
    """R@k = |top_k & truth| / |truth|: the share of the hashtags that are found.

    Example:
        >>> metric = RecallAtK(2)
        >>> metric.update_state(tf.constant([[True, False]]), tf.constant([4]))
        >>> float(metric.result())
        0.25
    """

    symbol = "R"

    def score(self, hits: tf.Tensor, num_truth: tf.Tensor) -> tf.Tensor:
        """See `TopKMetric.score`."""
        return tf.reduce_sum(hits, axis=1) / num_truth
