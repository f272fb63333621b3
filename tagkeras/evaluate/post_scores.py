"""The metrics of each post by itself: what averages, intervals and comparisons are made of."""

from collections.abc import Sequence

import numpy as np
import tensorflow as tf

from tagkeras.metrics import AccuracyAtK, MRRAtK, NDCGAtK, PrecisionAtK, RecallAtK

METRICS = (PrecisionAtK, RecallAtK, AccuracyAtK, NDCGAtK, MRRAtK)


def post_scores(
    hits: np.ndarray, num_truth: np.ndarray, ks: Sequence[int]
) -> dict[str, np.ndarray]:
    """P@k, R@k, A@k, nDCG@k and MRR@k of posts, for each k.

    Args:
        hits: bool [N, at least the largest k], whether each prediction, best first, is right.
        num_truth: int [N], how many hashtags each post has, at least 1.
        ks: how many predictions count.

    Returns:
        float64 [N] by name, such as `R@10`; fractions in [0, 1].
    """
    scores = {}
    for metric_class in METRICS:
        for k in ks:
            metric = metric_class(k)
            values = metric.score_posts(tf.constant(hits), tf.constant(num_truth))
            scores[metric.name] = values.numpy().astype(np.float64)
    return scores
