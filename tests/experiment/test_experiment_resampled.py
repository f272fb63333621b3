"""Statistics with their resamples, and means over seeds."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tagkeras.experiment.resampled import Resampled, mean, over_seeds


def test_by_hand():
    one = Resampled(4.0, np.array([3.0, 4.0, 5.0]))
    other = Resampled(2.0, np.array([1.0, 2.0, 4.0]))
    difference, ratio = one - other, one / other
    assert difference.value == 2
    assert difference.samples.tolist() == [2, 2, 1]
    assert ratio.value == 2
    assert ratio.samples.tolist() == [3, 2, 1.25]
    assert mean([one, other]).value == 3
    assert mean([one, other]).samples.tolist() == [2, 3, 4.5]


def test_a_ratio_to_nothing_is_no_number():
    ratio = Resampled(1.0, np.ones(2)) / Resampled(0.0, np.array([0.0, 2.0]))
    assert not np.isfinite(ratio.value)
    assert ratio.samples[1] == 0.5


def test_interval_and_p_value():
    statistic = Resampled(0.0, np.arange(-2.0, 98.0))  # 3 of 100 are not above 0
    assert statistic.interval == pytest.approx((-2 + 0.025 * 99, -2 + 0.975 * 99))
    assert statistic.p_value == 2 * (3 + 1) / 101
    assert Resampled(0.0, np.zeros(10)).p_value == 1
    assert Resampled(-5.0, np.full(999, -5.0)).p_value == 2 / 1000


def test_one_seed_is_taken_as_it_is():
    samples = np.array([[1.0, 2.0, 3.0]])
    statistic = over_seeds(np.array([2.5]), samples, np.random.default_rng(0))
    assert statistic.value == 2.5
    assert statistic.samples.tolist() == [1, 2, 3]


def test_two_seeds_one_is_drawn_for_each_resample():
    samples = np.stack([np.arange(1000.0), 10_000 + np.arange(1000.0)])
    statistic = over_seeds(np.array([1.0, 2.0]), samples, np.random.default_rng(0))
    assert statistic.value == 1.5
    first = statistic.samples == np.arange(1000)
    assert (first | (statistic.samples == 10_000 + np.arange(1000))).all()
    assert 0.4 < first.mean() < 0.6


@pytest.mark.parametrize("num_seeds", [2, 3, 5])
def test_the_variance_is_that_of_a_mean_over_seeds(num_seeds):
    """Without any noise of users, it is the sample variance over S: S - 1 draws make it so."""
    rng = np.random.default_rng(1)
    values = rng.normal(size=num_seeds)
    samples = np.repeat(values[:, np.newaxis], 200_000, axis=1)
    statistic = over_seeds(values, samples, rng)
    assert statistic.samples.mean() == pytest.approx(values.mean(), abs=0.01)
    assert statistic.samples.var() == pytest.approx(values.var(ddof=1) / num_seeds, rel=0.02)


@given(st.integers(1, 4), st.integers(0, 2**32))
def test_users_stay_paired(num_seeds, seed):
    """A gain that is the same for all users and seeds has no spread, however much they differ."""
    rng = np.random.default_rng(seed)
    samples = np.repeat(rng.normal(size=(1, 50)), num_seeds, axis=0)
    values = np.zeros(num_seeds)
    one = over_seeds(values, samples, np.random.default_rng(seed))
    other = over_seeds(values + 0.1, samples + 0.1, np.random.default_rng(seed + 1))
    np.testing.assert_allclose((other - one).samples, 0.1)
