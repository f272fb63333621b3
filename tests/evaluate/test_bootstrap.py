import numpy as np
import scipy.stats
from numpy_metrics import variety

from tagkeras.evaluate.bootstrap import (
    VARIETY_SAMPLES,
    bootstrap_means,
    percentiles,
    resample,
    variety_intervals,
)


def test_same_seed_same_resamples():
    one, same, other = (list(resample(20, 5, seed)) for seed in (3, 3, 4))
    np.testing.assert_array_equal(one, same)
    assert not np.array_equal(one, other)
    # More samples are the same ones and some more.
    np.testing.assert_array_equal(list(resample(20, 7, 3))[:5], one)


def test_against_scipy():
    """The percentile interval of a ratio of sums over users, resampled in pairs."""
    rng = np.random.default_rng(2)
    users = np.repeat(np.arange(60), rng.integers(1, 8, size=60))
    # Each user has a level of their own.
    scores = rng.normal(size=60)[users] + 0.3 * rng.normal(size=len(users))
    sums, counts = np.bincount(users, scores), np.bincount(users).astype(float)
    ours = percentiles(bootstrap_means(users, scores[:, None], samples=9999))[0]
    theirs = scipy.stats.bootstrap(
        (sums, counts),
        lambda s, c, axis: s.sum(axis=axis) / c.sum(axis=axis),
        paired=True,
        vectorized=True,
        method="percentile",
        n_resamples=9999,
        rng=np.random.default_rng(0),
    ).confidence_interval
    width = theirs.high - theirs.low
    np.testing.assert_allclose(ours, [theirs.low, theirs.high], atol=0.05 * width)


def test_nan_leaves_a_post_out_of_a_column():
    users = np.array([0, 0, 1, 2, 2])
    scores = np.array([[1, 5], [3, np.nan], [np.nan, 6], [2, 7], [np.nan, np.nan]])
    means = bootstrap_means(users, scores, samples=200, seed=0)
    for row, drawn in zip(means, resample(3, 200, seed=0), strict=True):
        for column, (sums, counts) in enumerate([([4, 0, 2], [2, 0, 1]), ([5, 6, 7], [1, 1, 1])]):
            expected = drawn @ sums / (drawn @ counts) if drawn @ counts else np.nan
            np.testing.assert_allclose(row[column], expected)
    # Some resample has user 1 alone.
    assert np.isnan(means[:, 0]).any()
    assert not np.isnan(means[:, 1]).any()
    bounds = percentiles(means)
    assert not np.isnan(bounds).any()
    np.testing.assert_allclose(bounds[1], np.percentile(means[:, 1], [2.5, 97.5]))
    # A column of nothing.
    np.testing.assert_array_equal(
        percentiles(np.array([[np.nan, 1]] * 3)), [[np.nan, np.nan], [1, 1]]
    )


def test_many_resamples_in_pieces(monkeypatch):
    rng = np.random.default_rng(0)
    users = np.repeat(np.arange(12), rng.integers(1, 4, size=12))
    scores = rng.random((len(users), 6))
    whole = bootstrap_means(users, scores, samples=50)
    for chunk in (1, 12 * 7, 12 * 50):
        monkeypatch.setattr("tagkeras.evaluate.bootstrap._CHUNK", chunk)
        np.testing.assert_allclose(bootstrap_means(users, scores, samples=50), whole)


def test_variety_interval_by_loops():
    """Around the value, 1.96 standard deviations of resamples of users to each side."""
    rng = np.random.default_rng(0)
    users = np.repeat(np.arange(12), rng.integers(1, 5, size=12))
    predictions = rng.geometric(0.2, size=(len(users), 3)).clip(max=19)
    predictions[3, 2] = -1
    rows = [[tag for tag in row if tag >= 0] for row in predictions.tolist()]
    statistics = []
    for drawn in resample(12, VARIETY_SAMPLES, seed=5):
        chosen = [row for row, user in zip(rows, users, strict=True) for _ in range(drawn[user])]
        statistics.append(variety(chosen, 20, 3))
    value, spread = np.array(variety(rows, 20, 3)), 1.96 * np.std(statistics, axis=0, ddof=1)
    bounds = variety_intervals(users, predictions, 20, seed=5)
    np.testing.assert_allclose(bounds, np.stack([value - spread, value + spread], 1), rtol=1e-4)


def test_variety_interval_stays_within_what_is_possible():
    users, rng = np.arange(6), np.random.default_rng(0)
    bounds = variety_intervals(users, np.array([rng.permutation(4) for _ in users]), 4)
    assert bounds[0].tolist() == [1, 1]
    assert bounds[1, 1] <= 2
    spread = variety_intervals(users, rng.integers(4, size=(6, 1)), 4)
    assert (spread >= 0).all()
    assert (spread[:, 1] <= [1, 2]).all()
