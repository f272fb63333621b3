import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tagkeras.evaluate.baselines import pair_counts
from tagkeras.evaluate.baselines.best_tags import best_tags
from tagkeras.evaluate.baselines.pair_counts import PairCounts

VOTES = st.tuples(st.integers(0, 3), st.integers(0, 9), st.sampled_from([0.5, 1.0, 1.5, 3.0]))


@settings(deadline=None)
@given(
    st.lists(VOTES, max_size=30), st.lists(st.integers(0, 2), min_size=10, max_size=10), st.data()
)
def test_best_tags_against_sorting_all(votes, prior, data):
    """Few values, so that totals tie."""
    k = data.draw(st.integers(1, 10))
    totals = np.tile(np.array(prior, float), (4, 1))
    for row, tag, weight in votes:
        totals[row, tag] += weight
    rows, tags, weights = (
        np.array([vote[i] for vote in votes], kind)
        for i, kind in enumerate([np.int64, np.int64, np.float64])
    )
    best = best_tags(rows, tags, weights, num_rows=4, prior=np.array(prior, float), k=k)
    expected = np.argsort(-totals, axis=1, kind="stable")[:, :k]
    np.testing.assert_array_equal(best, expected)


def test_best_tags_of_many_rows_and_tags():
    """Keys of row and tag are larger than 32 bits hold."""
    num_tags = 10**6
    prior = np.zeros(num_tags)
    rows, tags = np.array([4999, 4999], np.int32), np.array([num_tags - 1, 7], np.int32)
    best = best_tags(rows, tags, np.array([1.0, 2.0]), num_rows=5000, prior=prior, k=3)
    assert best[4999].tolist() == [7, num_tags - 1, 0]
    assert best[0].tolist() == [0, 1, 2]


@pytest.mark.parametrize("waiting", [1, 7, 1000])
def test_pair_counts_are_merged(monkeypatch, waiting):
    monkeypatch.setattr(pair_counts, "_WAITING", waiting)
    rng, counts, added = np.random.default_rng(0), PairCounts(), []
    for size in (5, 0, 3, 1, 6, 10):
        added.append(rng.integers(10**12, 10**12 + 5, size=size))
        counts.add(added[-1])
    for _ in range(2):
        keys, found = counts.result()
        expected = np.unique(np.concatenate(added), return_counts=True)
        np.testing.assert_array_equal([keys, found], expected)
        assert keys.dtype == found.dtype == np.int64
    counts.add(keys)
    np.testing.assert_array_equal(counts.result()[1], found + 1)


def test_pair_counts_of_nothing():
    keys, counts = PairCounts().result()
    assert len(keys) == len(counts) == 0
