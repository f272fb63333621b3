"""MRR@k: how early the first hit comes."""

import keras
import tensorflow as tf

from tagkeras.metrics.top_k_metric import TopKMetric


@keras.saving.register_keras_serializable(package="tagkeras")
class MRRAtK(TopKMetric):
    """MRR@k: the mean of 1 / the place of the first hit; 0 for a post without one in its top k.

    Args:
        k: how many predictions count, at least 1.
        name: by default `MRR@k`.

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
        """1 by the place of the first hit, float [B]."""
        del num_truth
        places = tf.range(1, self.k + 1, dtype=hits.dtype)
        return tf.reduce_max(hits / places, axis=1)
