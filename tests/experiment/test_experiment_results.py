"""Evaluations of several runs, by hand and beside a plain loop over resamples."""

import numpy as np
import pytest
from experiment_helpers import write_run
from hypothesis import given
from hypothesis import strategies as st

from tagkeras.cli.errors import UserError
from tagkeras.evaluate.bootstrap import resample
from tagkeras.experiment.results import (
    collect_results,
    interval,
    normal_resamples,
    over_seeds,
    p_value,
)
from tagkeras.experiment.spec import Configuration, Run

BILINEAR, BIASED = Configuration("bilinear", 8), Configuration("user_biased", 8)
USERS = ["ann", "bob", "ann", "cid"]
# k = 2: what of two predictions is right, for four posts of two hashtags each.
HITS = {
    (BILINEAR, 0): [[1, 0], [0, 0], [0, 1], [1, 1]],
    (BILINEAR, 1): [[0, 0], [0, 0], [0, 1], [1, 0]],
    (BIASED, 0): [[1, 1], [0, 0], [1, 1], [1, 1]],
    (BIASED, 1): [[1, 1], [1, 0], [1, 1], [1, 1]],
}


def make(folder, dataset="natural", **options):
    runs = []
    for (configuration, seed), hits in HITS.items():
        run = Run(dataset, configuration, seed)
        given = {
            "users": USERS,
            "distribution": dataset,
            "tags": [("cat", 4, seed), ("dog", 0, 0)],
            **options,
        }
        if run.seed == 0 and configuration == BILINEAR:
            given["baselines"] = {"frequency_baseline": [[1, 0]] * 4}
        write_run(folder / run.evaluation, hits, **given)
        runs.append(run)
    return runs


def test_values_by_hand(tmp_path):
    (results,) = collect_results(tmp_path, make(tmp_path), {"natural": {"cat": "both"}})
    assert (results.name, results.distribution, results.ks) == ("natural", "natural", (1, 2))
    assert (results.num_posts, results.num_users, results.seeds) == (4, 3, (0, 1))
    assert list(results.models) == [BILINEAR, BIASED]
    bilinear = results.models[BILINEAR]
    # Seed 0: P@1 2/4, R@2 (1 + 0 + 1 + 2) / 2 / 4, A@2 3/4; seed 1: 1/4, (1 + 1) / 2 / 4, 2/4.
    assert bilinear["P@1"][0] == (2 / 4 + 1 / 4) / 2
    assert bilinear["R@2"][0] == (4 / 8 + 2 / 8) / 2
    assert bilinear["A@2"][0] == (3 / 4 + 2 / 4) / 2
    assert bilinear["entropy@2"][0] == 1
    assert results.baselines["frequency_baseline"]["P@1"][0] == 1
    assert results.baselines["frequency_baseline"]["R@2"][0] == 0.5
    assert results.hashtag_kinds == {"cat": "both"}
    assert results.shown_metrics == ("R@2", "P@1", "A@2")


def test_resamples_beside_a_loop(tmp_path):
    """Each resample draws users with all their posts, and one of the two seeds."""
    (results,) = collect_results(tmp_path, make(tmp_path), {}, samples=200, seed=3)
    names = sorted(set(USERS))
    for configuration in (BILINEAR, BIASED):
        recalls = {seed: [sum(hits) / 2 for hits in HITS[configuration, seed]] for seed in (0, 1)}
        samples = results.models[configuration]["R@2"][1:]
        drawn_seeds = set()
        for row, counts in enumerate(resample(len(names), 200, 3)):
            weights = [int(counts[names.index(user)]) for user in USERS]
            means = [np.average(recalls[seed], weights=weights) for seed in (0, 1)]
            found = [seed for seed in (0, 1) if samples[row] == pytest.approx(means[seed])]
            assert found
            if len(found) == 1:
                drawn_seeds.update(found)
        assert drawn_seeds == {0, 1}


def test_metrics_of_a_run_are_of_the_same_seeds(tmp_path):
    (results,) = collect_results(tmp_path, make(tmp_path, users=["a"] * 4), {}, samples=100)
    samples = results.models[BILINEAR]
    # One user: no spread but that of seeds. P@1 is 1/2 or 1/4 where R@2 is 1/2 or 1/4.
    np.testing.assert_allclose(samples["P@1"][1:], samples["R@2"][1:])
    assert set(samples["P@1"][1:].tolist()) == {0.5, 0.25}


def test_datasets_that_share_users_are_paired(tmp_path):
    """The same posts as two datasets, one with a user more: differences have no users' spread."""
    runs = [run for run in make(tmp_path) if run.seed == 0]
    other = [run for run in make(tmp_path, "balanced", fingerprint="g") if run.seed == 0]
    natural, balanced = collect_results(tmp_path, [*runs, *other], {})
    difference = natural.models[BIASED]["R@2"] - balanced.models[BIASED]["R@2"]
    assert natural.models[BIASED]["R@2"][1:].std() > 0
    np.testing.assert_allclose(difference, 0, atol=1e-12)


def test_recalls_of_tags(tmp_path):
    (results,) = collect_results(tmp_path, make(tmp_path), {})
    assert results.tags == ("cat", "dog")
    assert results.tag_posts.tolist() == [4, 0]
    np.testing.assert_array_equal(results.tag_recalls[BILINEAR], [(0 / 4 + 1 / 4) / 2, np.nan])


def test_evaluations_of_other_posts_are_refused(tmp_path):
    runs = make(tmp_path)
    write_run(tmp_path / runs[2].evaluation, HITS[BIASED, 0], users=USERS, fingerprint="h")
    with pytest.raises(UserError, match="user_biased-d8-seed0 is of other posts or metrics than"):
        collect_results(tmp_path, runs, {})


def test_coverage_and_entropy_are_drawn_from_their_interval():
    rng = np.random.default_rng(0)
    statistic = normal_resamples(5.0, [4.0, 6.0], 100_000, rng)
    assert statistic[0] == 5
    assert interval(statistic) == pytest.approx((4, 6), abs=0.02)
    cut_off = normal_resamples(0.99, [0.97, 1.0], 100_000, rng)  # at what a share can be
    assert interval(cut_off) == pytest.approx((0.97, 1.01), abs=0.001)


def test_interval_and_p_value():
    statistic = np.append(0.0, np.arange(-2.0, 98.0))  # 3 of 100 are not above 0
    assert interval(statistic) == pytest.approx((-2 + 0.025 * 99, -2 + 0.975 * 99))
    assert p_value(statistic) == 2 * (3 + 1) / 101
    assert p_value(np.zeros(11)) == 1
    assert p_value(np.full(1000, -5.0)) == 2 / 1000


def test_one_of_two_seeds_is_drawn_for_each_resample():
    samples = np.stack([np.arange(1000.0), 10_000 + np.arange(1000.0)])
    runs = np.concatenate([[[1.0], [2.0]], samples], axis=1)
    value, *drawn = over_seeds(runs, np.random.default_rng(0))
    assert value == 1.5
    first = drawn == samples[0]
    assert (first | (drawn == samples[1])).all()
    assert 0.4 < first.mean() < 0.6


@pytest.mark.parametrize("num_seeds", [2, 3, 5])
def test_the_variance_is_that_of_a_mean_over_seeds(num_seeds):
    """Without any noise of users, it is the sample variance over S: S - 1 draws make it so."""
    rng = np.random.default_rng(1)
    values = rng.normal(size=num_seeds)
    _, *samples = over_seeds(np.repeat(values[:, np.newaxis], 200_001, axis=1), rng)
    assert np.mean(samples) == pytest.approx(values.mean(), abs=0.01)
    assert np.var(samples) == pytest.approx(values.var(ddof=1) / num_seeds, rel=0.02)


@given(st.integers(1, 4), st.integers(0, 2**32))
def test_users_stay_paired(num_seeds, seed):
    """A gain that is the same for all users and seeds has no spread, however much they differ."""
    rng = np.random.default_rng(seed)
    runs = np.repeat(rng.normal(size=(1, 50)), num_seeds, axis=0)
    one = over_seeds(runs, np.random.default_rng(seed))
    other = over_seeds(runs + 0.1, np.random.default_rng(seed + 1))
    np.testing.assert_allclose(other - one, 0.1)
