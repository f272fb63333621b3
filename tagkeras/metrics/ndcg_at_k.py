"""nDCG@k: hits, discounted by their place."""

import keras
import numpy as np
import tensorflow as tf

from tagkeras.metrics.top_k_metric import TopKMetric


@keras.saving.register_keras_serializable(package="tagkeras")
class NDCGAtK(TopKMetric):
    """nDCG@k = DCG@k / ideal DCG@k, where a hit in place i counts 1 / log2(i + 1).

    The ideal list begins with min(k, |truth|) hits.

    Args:
        k: how many predictions count, at least 1.
        name: by default `nDCG@k`.

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
        """DCG by the best DCG that the post allows, float [B]."""
        discounts = (1 / np.log2(np.arange(2, self.k + 2))).astype(np.float32)
        ideal = tf.constant(np.cumsum(discounts, dtype=np.float32))
        best = tf.minimum(tf.cast(num_truth, tf.int32), self.k)
        return tf.linalg.matvec(hits, discounts) / tf.gather(ideal, best - 1)
