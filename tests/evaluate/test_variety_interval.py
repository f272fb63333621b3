"""Intervals of coverage and entropy, over users."""

import numpy as np
from numpy_metrics import variety

from tagkeras.evaluate.bootstrap import SAMPLES, resample, variety_intervals


def test_interval_by_loops():
    """Around the value, 1.96 standard deviations of resamples of users to each side."""
    rng = np.random.default_rng(0)
    users = np.repeat(np.arange(12), rng.integers(1, 5, size=12))
    predictions = rng.geometric(0.2, size=(len(users), 3)).clip(max=19)
    predictions[3, 2] = -1
    rows = [[tag for tag in row if tag >= 0] for row in predictions.tolist()]
    statistics = []
    for drawn in resample(12, SAMPLES, seed=5):
        chosen = [row for row, user in zip(rows, users, strict=True) for _ in range(drawn[user])]
        statistics.append(variety(chosen, 20, 3))
    value, spread = np.array(variety(rows, 20, 3)), 1.96 * np.std(statistics, axis=0, ddof=1)
    bounds = variety_intervals(users, predictions, 20, seed=5)
    np.testing.assert_allclose(bounds, np.stack([value - spread, value + spread], 1), rtol=1e-4)


def test_interval_of_the_same_for_everyone_and_of_nothing():
    users = np.arange(5)
    same = variety_intervals(users, np.zeros((5, 1), int), 4)
    np.testing.assert_array_equal(same, [[1 / 4, 1 / 4], [0, 0]])
    nothing = variety_intervals(users, np.full((5, 1), -1), 4)
    np.testing.assert_array_equal(nothing, np.zeros((2, 2)))


def test_interval_stays_within_what_is_possible():
    users, rng = np.arange(6), np.random.default_rng(0)
    bounds = variety_intervals(users, np.array([rng.permutation(4) for _ in users]), 4)
    assert bounds[0].tolist() == [1, 1]
    assert bounds[1, 1] <= 2
    spread = variety_intervals(users, rng.integers(4, size=(6, 1)), 4)
    assert (spread >= 0).all()
    assert (spread[:, 1] <= [1, 2]).all()
