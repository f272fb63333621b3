"""P@1, R@k and A@k of one way to rank hashtags."""

import numpy as np
import tensorflow as tf

from tagkeras.metrics.accuracy_at_k import AccuracyAtK
from tagkeras.metrics.hits import find_hits
from tagkeras.metrics.precision_at_k import PrecisionAtK
from tagkeras.metrics.recall_at_k import RecallAtK


class Scoreboard:
    """Collects P@1, R@k and A@k over batches of posts.

    Args:
        k: of R@k and A@k.
    """

    def __init__(self, k: int) -> None:
        self._metrics = [PrecisionAtK(1), RecallAtK(k), AccuracyAtK(k)]

    def add(self, predictions: np.ndarray, tags: tf.RaggedTensor, num_truth: tf.Tensor) -> None:
        """Adds posts.

        Args:
            predictions: int64 [B, k], tag ids best first; -1 where there is none.
            tags: int64 ragged [B, (tags)], the known tags of each post.
            num_truth: int64 [B], how many hashtags each post has, unknown ones included.
        """
        # -2 can not meet the -1 that fills up short lists of truth.
        predictions = tf.where(tf.equal(predictions, -1), tf.constant(-2, tf.int64), predictions)
        hits = find_hits(predictions, tags)
        for metric in self._metrics:
            metric.update_state(hits, num_truth)

    def results(self) -> dict[str, float]:
        """The metrics by name, fractions in [0, 1]."""
        return {metric.name: float(metric.result()) for metric in self._metrics}
