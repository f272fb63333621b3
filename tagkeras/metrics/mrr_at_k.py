"""MRR@k."""

import keras
import tensorflow as tf

from tagkeras.metrics.top_k_metric import TopKMetric


@keras.saving.register_keras_serializable(package="tagkeras")
class MRRAtK(TopKMetric):
    """MRR@k: the mean of 1 / the place of the first hit; 0 for a post without one in its top k.

    Example:
        >>> metric = MRRAtK(2)
        >>> metric.update_state(tf.constant([[False, True], [False, False]]), tf.constant([1, 3]))
        >>> float(metric.result())
        0.25

    References:
        Voorhees, "The TREC-8 Question Answering Track Report" (1999).
    """

    symbol = "MRR"

    def score(self, hits: tf.Tensor, num_truth: tf.Tensor) -> tf.Tensor:
        """See `TopKMetric.score`."""
        del num_truth
        places = tf.range(1, self.k + 1, dtype=hits.dtype)
        return tf.reduce_max(hits / places, axis=1)
