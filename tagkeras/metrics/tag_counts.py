"""Counts of each tag in the truth, the predictions and the hits; coverage and entropy."""

import math
from typing import Any

import keras
import tensorflow as tf

from tagkeras.data.post_tags import Truth
from tagkeras.metrics.top_k_metrics import find_hits


@keras.saving.register_keras_serializable(package="tagkeras")
class TagCounts(keras.metrics.Metric):
    """Counts posts by tag: those that have it, those whose top k has it, those with both.

    From these follow, for a tag y, its precision at k (hits / predicted) and its recall at k
    (hits / truth), and of all tags the coverage and the entropy of the predictions.

    Args:
        num_tags: Y.
        k: how many predictions of a post count.
        name: by default `tags@k`.

    Attributes:
        truth: int64 [Y], posts that have the tag.
        predicted: int64 [Y], posts whose top k has it.
        hits: int64 [Y], posts with both.

    Example:
        >>> metric = TagCounts(num_tags=3, k=2)
        >>> metric.update_state(y_true=[[1]], y_pred=[[0, 1]])
        >>> metric.hits.numpy().tolist()
        [0, 1, 0]
        >>> {name: round(float(value), 3) for name, value in metric.result().items()}
        {'coverage@2': 0.667, 'entropy@2': 1.0}
    """

    def __init__(self, num_tags: int, k: int, name: str | None = None, **kwargs: Any) -> None:
        super().__init__(name=name or f"tags@{k}", **{"dtype": "int64", **kwargs})
        self.num_tags = num_tags
        self.k = k
        self.truth, self.predicted, self.hits = (
            self.add_variable((num_tags,), "zeros", dtype="int64", name=counted)
            for counted in ("truth", "predicted", "hits")
        )

    def update_state(self, y_true: Any, y_pred: tf.Tensor, sample_weight: Any = None) -> None:
        """Adds posts.

        Args:
            y_true: the known tags of each post, in one of the forms that `TopKMetric` takes.
            y_pred: int [B, at least k], tag ids, best first; negative where there is none.
            sample_weight: not supported, since counts are whole numbers.
        """
        if sample_weight is not None:
            raise ValueError("TagCounts counts posts: sample_weight is not supported")
        tags = Truth.parse(y_true).tags
        predictions = tf.cast(y_pred, tf.int64)[:, : self.k]
        is_hit = find_hits(predictions, tags)
        for counts, counted in (
            (self.truth, tags.flat_values),
            (self.predicted, predictions[predictions >= 0]),
            (self.hits, predictions[is_hit]),
        ):
            # Some rows of Y: a dense sum would cost as much as the vocabulary is long.
            counts.value.scatter_add(tf.IndexedSlices(tf.ones_like(counted), counted))

    def result(self) -> dict[str, tf.Tensor]:
        """The coverage and the entropy of the predictions, by name."""
        predicted = self.predicted.value
        return {f"coverage@{self.k}": coverage(predicted), f"entropy@{self.k}": entropy(predicted)}

    def get_config(self) -> dict[str, Any]:
        """The arguments of `__init__`."""
        return {**super().get_config(), "num_tags": self.num_tags, "k": self.k}


def coverage(predicted: Any) -> tf.Tensor:
    """The share of the tags that were predicted at least once, float64 in [0, 1].

    Args:
        predicted: number [Y], how often each tag was predicted.
    """
    return tf.reduce_mean(tf.cast(tf.not_equal(predicted, 0), tf.float64))


def entropy(predicted: Any) -> tf.Tensor:
    """The Shannon entropy of the tags predicted, in bits, float64.

    0 if it is always the same tag, log2(Y) if all tags come as often; 2 to the power of it is how
    many tags, each as often, would be as varied.

    Args:
        predicted: number [Y], how often each tag was predicted.
    """
    counts = tf.cast(predicted, tf.float64)
    shares = tf.math.divide_no_nan(counts, tf.reduce_sum(counts))
    return -tf.reduce_sum(tf.math.xlogy(shares, shares)) / math.log(2) + 0.0
