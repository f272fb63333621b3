"""What a careful person would doubt about a run that has ended, each with its remedy."""

from collections.abc import Mapping
from typing import Any

import tensorflow as tf

from tagkeras import metrics
from tagkeras.data.post_tags import Truth

# A model that ranks at all has fewer violators, and smaller steps for few posts learn more.
MAX_VIOLATORS, FEW_STEPS = 0.995, 20


def find_doubts(
    best: Mapping[str, Any],
    *,
    steps_per_epoch: int,
    num_tags: int,
    validation: tf.data.Dataset | None,
) -> list[str]:
    """Lines to print of a run, given the metrics of its best epoch.

    The most frequent of its `num_tags` tags are ranked for `validation`, batches of (inputs, tags),
    to compare with.
    """
    doubts = []
    if steps_per_epoch < FEW_STEPS:
        doubts.append(f"only {steps_per_epoch} steps an epoch: a lower --batch_size learns more")
    if best.get("violator_share", 0) > MAX_VIOLATORS:
        doubts.append(
            f"{best['violator_share']:.1%} of the hashtags still score below others: the model has"
            " not begun to learn: try another --learning_rate, or more --epochs"
        )
    k = min(10, num_tags)
    ranking = [metrics.PrecisionAtK(1), metrics.RecallAtK(k)]
    if validation is not None:
        for _, tags in validation:
            truth = Truth.parse(tags)
            for metric in ranking:
                metric.update_state(truth, tf.tile([tf.range(k)], [truth.tags.nrows(), 1]))
    for metric in ranking:
        value, baseline = best.get(f"val_{metric.name}", 1.0), float(metric.result())
        if value < baseline:
            doubts.append(
                f"validation {metric.name} is {value:.4f}, the most frequent hashtags alone have"
                f" {baseline:.4f}: try another --learning_rate, or more --epochs"
            )
    return doubts
