import keras
import numpy as np
import pytest
import tensorflow as tf

from tagkeras.metrics.accuracy_at_k import AccuracyAtK
from tagkeras.metrics.hits import find_hits
from tagkeras.metrics.precision_at_k import PrecisionAtK
from tagkeras.metrics.recall_at_k import RecallAtK

TAGS = tf.ragged.constant([[3, 1], [2], [], [7, 8, 9]], dtype=tf.int64)
PREDICTIONS = tf.constant([[3, 5, 1], [4, 2, 0], [1, 2, 3], [0, 1, 2]], tf.int64)


def test_hits_by_hand():
    hits = [[True, False, True], [False, True, False], [False] * 3, [False] * 3]
    np.testing.assert_array_equal(find_hits(PREDICTIONS, TAGS), hits)


@pytest.mark.parametrize(
    ("metric", "expected"),
    [
        (PrecisionAtK(1), (1 + 0 + 0 + 0) / 4),
        (PrecisionAtK(3), (2 / 3 + 1 / 3 + 0 + 0) / 4),
        # The first post has a third hashtag, the third one has two, all outside the vocabulary.
        (RecallAtK(1), (1 / 3 + 0 + 0 + 0) / 4),
        (RecallAtK(3), (2 / 3 + 1 + 0 + 0) / 4),
        (AccuracyAtK(1), 1 / 4),
        (AccuracyAtK(3), 2 / 4),
    ],
    ids=lambda value: value.name if hasattr(value, "name") else "",
)
def test_by_hand_and_streamed(metric, expected):
    hits, num_truth = find_hits(PREDICTIONS, TAGS), tf.constant([3, 1, 2, 3])
    metric.update_state(hits, num_truth)
    np.testing.assert_allclose(metric.result(), expected, rtol=1e-6)
    metric.reset_state()
    for row in range(4):
        metric.update_state(hits[row : row + 1], num_truth[row : row + 1])
    np.testing.assert_allclose(metric.result(), expected, rtol=1e-6)


def test_against_numpy_sets():
    rng = np.random.default_rng(0)
    truth = [rng.choice(30, size=rng.integers(1, 6), replace=False) for _ in range(100)]
    predictions = np.array([rng.choice(30, size=10, replace=False) for _ in range(100)])
    hits = find_hits(
        tf.constant(predictions, tf.int64), tf.ragged.constant([list(t) for t in truth], tf.int64)
    )
    common = np.array(
        [len(set(p) & set(t)) for p, t in zip(predictions, truth, strict=True)], float
    )
    sizes = np.array([len(t) for t in truth])
    for metric, expected in [
        (PrecisionAtK(10), (common / 10).mean()),
        (RecallAtK(10), (common / sizes).mean()),
        (AccuracyAtK(10), (common > 0).mean()),
    ]:
        metric.update_state(hits, tf.constant(sizes))
        np.testing.assert_allclose(metric.result(), expected, rtol=1e-5)


def test_names_and_config():
    metric = keras.saving.deserialize_keras_object(
        keras.saving.serialize_keras_object(RecallAtK(10))
    )
    assert (metric.name, metric.k) == ("R@10", 10)
    with pytest.raises(ValueError, match="k must be at least 1, received 0"):
        PrecisionAtK(0)
