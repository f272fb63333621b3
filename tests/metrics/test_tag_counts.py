import numpy as np
import pytest
import tensorflow as tf
from numpy_metrics import tag_row

from tagkeras.metrics import TagCounts, coverage, entropy

Y = 6
PREDICTIONS = [[0, 1, 2], [1, 0, 5], [2, -1, -1], [1, 2, 3]]
TRUTH = [[1], [1, 5], [], [0, 2, 4]]


def update(metric, rows=slice(None)):
    metric.update_state(
        tf.ragged.constant(TRUTH[rows], tf.int64, ragged_rank=1),
        tf.constant(PREDICTIONS[rows], tf.int64),
    )


def result_of(metric):
    return {name: float(value) for name, value in metric.result().items()}


def test_by_hand():
    metric = TagCounts(Y, k=2)
    update(metric)
    assert metric.truth.numpy().tolist() == [1, 2, 1, 0, 1, 1]
    assert metric.predicted.numpy().tolist() == [2, 3, 2, 0, 0, 0]
    assert metric.hits.numpy().tolist() == [0, 2, 1, 0, 0, 0]
    # 3 of 6 tags; shares 2/7, 3/7, 2/7.
    bits = -sum(n / 7 * np.log2(n / 7) for n in (2, 3, 2))
    assert result_of(metric) == pytest.approx({"coverage@2": 0.5, "entropy@2": bits})


@pytest.mark.parametrize("k", [1, 2, 3])
def test_streamed_and_by_loops(k):
    metric = TagCounts(Y, k)
    for row in range(len(TRUTH)):
        update(metric, slice(row, row + 1))
    for tag in range(Y):
        counted = tuple(int(c[tag]) for c in (metric.truth, metric.predicted, metric.hits))
        truth = [set(tags) for tags in TRUTH]
        assert counted == tag_row(tag, PREDICTIONS, truth, k)[:3]
    metric.reset_state()
    assert not metric.predicted.numpy().any()
    update(metric, slice(1))
    assert metric.predicted.numpy().sum() == k


def test_more_than_float_can_count():
    metric = TagCounts(2, k=1)
    metric.predicted.assign([2**24, 0])
    metric.update_state([[0]], [[0]])
    assert metric.predicted.numpy().tolist() == [2**24 + 1, 0]


def test_weights_are_refused():
    with pytest.raises(ValueError, match="sample_weight is not supported"):
        TagCounts(2, k=1).update_state([[0]], [[0]], sample_weight=[0.5])


@pytest.mark.parametrize(
    ("counts", "covered", "bits"),
    [
        ([7, 0, 0, 0], 1 / 4, 0),
        ([1, 1, 1, 1], 1, 2),
        ([2, 1, 1, 0], 3 / 4, 1.5),
        ([3, 1], 1, 2 - 0.75 * np.log2(3)),
        ([0, 0], 0, 0),
    ],
)
def test_coverage_and_entropy_by_hand(counts, covered, bits):
    assert float(coverage(counts)) == pytest.approx(covered)
    assert float(entropy(counts)) == pytest.approx(bits)
    assert not np.signbit(float(entropy(counts)))
