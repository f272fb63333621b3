import math

import numpy as np
import pytest
import tensorflow as tf
from numpy_metrics import mean_metrics

from tagkeras.metrics import AccuracyAtK, MRRAtK, NDCGAtK, PrecisionAtK, RecallAtK, find_hits

METRICS = [PrecisionAtK, RecallAtK, AccuracyAtK, NDCGAtK, MRRAtK]
TAGS = tf.ragged.constant([[3, 1], [2], [], [7, 8, 9]], dtype=tf.int64)
PREDICTIONS = tf.constant([[3, 5, 1], [4, 2, 0], [1, 2, 3], [0, 1, 2]], tf.int64)
LOG3 = 1 / math.log2(3)


def test_no_prediction_is_no_hit_where_posts_have_fewer_tags():
    predictions = tf.constant([[-1, 3], [-1, -1], [-1, 0]], tf.int64)
    tags = tf.ragged.constant([[3, 1], [2], []], dtype=tf.int64)
    np.testing.assert_array_equal(
        find_hits(predictions, tags), [[False, True], [False, False], [False, False]]
    )
    nothing = tf.ragged.constant([[], []], dtype=tf.int64, ragged_rank=1)
    assert not find_hits(predictions[:2], nothing).numpy().any()


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
        (NDCGAtK(1), 1 / 4),
        # Hits in places 1 and 3 of three hashtags; in place 2 of one hashtag.
        (NDCGAtK(3), ((1 + 1 / 2) / (1 + LOG3 + 1 / 2) + LOG3 / 1) / 4),
        (NDCGAtK(2), (1 / (1 + LOG3) + LOG3 / 1) / 4),
        (MRRAtK(1), 1 / 4),
        (MRRAtK(3), (1 + 1 / 2) / 4),
    ],
    ids=lambda value: value.name if hasattr(value, "name") else "",
)
def test_by_hand_and_streamed(metric, expected):
    truth = {"tags": TAGS, "out_of_vocabulary": tf.constant([1, 0, 2, 0])}
    metric.update_state(truth, PREDICTIONS)
    np.testing.assert_allclose(metric.result(), expected, rtol=1e-6)
    metric.reset_state()
    for row in range(4):
        part = slice(row, row + 1)
        metric.update_state({name: of[part] for name, of in truth.items()}, PREDICTIONS[part])
    np.testing.assert_allclose(metric.result(), expected, rtol=1e-6)


@pytest.mark.parametrize("k", [1, 2, 10])
def test_against_the_oracle_at_once_and_streamed(k):
    rng = np.random.default_rng(k)
    truth = [set(rng.choice(30, size=rng.integers(7), replace=False)) for _ in range(100)]
    num_truth = [max(1, len(tags) + rng.integers(3)) for tags in truth]
    # Longer lists than k: the rest does not count.
    predictions = np.array([rng.choice(30, size=12, replace=False) for _ in range(100)])
    tags = tf.ragged.constant([sorted(map(int, t)) for t in truth], tf.int64)
    unknown = num_truth - tags.row_lengths().numpy()
    expected = mean_metrics(predictions.tolist(), truth, num_truth, [k])
    for metric_class in METRICS:
        at_once, streamed = metric_class(k), metric_class(k)
        at_once.update_state({"tags": tags, "out_of_vocabulary": unknown}, predictions)
        for start in range(0, 100, 30):
            rows = slice(start, start + 30)
            truth_of_rows = {"tags": tags[rows], "out_of_vocabulary": unknown[rows]}
            streamed.update_state(truth_of_rows, predictions[rows])
        for metric in (at_once, streamed):
            np.testing.assert_allclose(metric.result(), expected[metric.name], rtol=1e-5)


@pytest.mark.parametrize("metric_class", METRICS)
def test_every_form_of_the_truth(metric_class):
    """Ragged, dense padded with -1, and a dict; int32 or int64; in a graph."""
    dense = np.array([[3, 1, -1], [2, -1, -1], [-1, -1, -1], [7, 8, 9]])
    forms = [TAGS, tf.cast(TAGS, tf.int32), dense, dense.astype("i4"), {"tags": dense}]
    results = []
    for truth in forms:
        metric = metric_class(3)
        tf.function(metric.update_state)(truth, tf.cast(PREDICTIONS, tf.int32))
        results.append(float(metric.result()))
    assert len(set(results)) == 1
    assert 0 < results[0] < 1


@pytest.mark.parametrize("metric_class", METRICS)
def test_weights_of_posts(metric_class):
    metric = metric_class(3)
    scores = metric.score_posts(find_hits(PREDICTIONS, TAGS), TAGS.row_lengths()).numpy()
    metric.update_state(TAGS, PREDICTIONS, sample_weight=[1, 3, 0, 2])
    np.testing.assert_allclose(metric.result(), (scores * [1, 3, 0, 2]).sum() / 6, rtol=1e-6)
