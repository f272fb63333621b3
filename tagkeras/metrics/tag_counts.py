"""How often each tag was there, was predicted, and both."""

from typing import Any

import keras
import tensorflow as tf

from tagkeras.metrics.hits import find_hits
from tagkeras.metrics.variety import coverage, entropy


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
        hits: int64 [Y], posts of both.

    Example:
        >>> metric = TagCounts(num_tags=3, k=2)
        >>> tags = tf.ragged.constant([[1]], tf.int64)
        >>> metric.update_state(tf.constant([[0, 1]], tf.int64), tags)
        >>> metric.hits.numpy().tolist(), metric.coverage, metric.entropy
        ([0, 1, 0], 0.6666666666666666, 1.0)
    """

    def __init__(self, num_tags: int, k: int, name: str | None = None, **kwargs: Any) -> None:
        super().__init__(name=name or f"tags@{k}", **{"dtype": "int64", **kwargs})
        self.num_tags = num_tags
        self.k = k
        self.truth, self.predicted, self.hits = (
            self.add_variable((num_tags,), "zeros", dtype="int64", name=counted)
            for counted in ("truth", "predicted", "hits")
        )

    def update_state(self, predictions: tf.Tensor, tags: tf.RaggedTensor) -> None:
        """Adds posts.

        Args:
            predictions: int64 [B, at least k], tag ids, best first; negative where there is none.
            tags: int64 ragged [B, (tags)], the known tags of each post, each once.
        """
        predictions = predictions[:, : self.k]
        is_hit = find_hits(predictions, tags)
        for counts, counted in (
            (self.truth, tags.flat_values),
            (self.predicted, predictions[predictions >= 0]),
            (self.hits, predictions[is_hit]),
        ):
            # Some rows of Y: a dense sum would cost as much as the vocabulary is long.
            counts.value.scatter_add(tf.IndexedSlices(tf.ones_like(counted), counted))

    @property
    def coverage(self) -> float:
        """The share of the vocabulary that was predicted, in [0, 1]."""
        return coverage(self.predicted.numpy())

    @property
    def entropy(self) -> float:
        """The entropy of the predictions, in bits; see `tagkeras.metrics.variety`."""
        return entropy(self.predicted.numpy())

    def result(self) -> dict[str, float]:
        """The coverage and the entropy, by name."""
        return {f"coverage@{self.k}": self.coverage, f"entropy@{self.k}": self.entropy}

    def get_config(self) -> dict[str, Any]:
        """The arguments of `__init__`."""
        return {**super().get_config(), "num_tags": self.num_tags, "k": self.k}
