"""R@k: the share of a post's hashtags that are found."""

import keras
import tensorflow as tf

from tagkeras.metrics.top_k_metric import TopKMetric


@keras.saving.register_keras_serializable(package="tagkeras")
class RecallAtK(TopKMetric):
    """R@k = |top_k & truth| / |truth|: the share of a post's hashtags that are found.

    Args:
        k: how many predictions count, at least 1.
        name: by default `R@k`.

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
        """The hits by the hashtags of the post, float [B]."""
        return tf.reduce_sum(hits, axis=1) / num_truth
