"""Evaluations of several runs, by hand and beside a plain loop over resamples."""

import numpy as np
import pytest
from experiment_helpers import write_run

from tagkeras.cli.errors import UserError
from tagkeras.evaluate.bootstrap import resample
from tagkeras.experiment.aggregate import aggregate
from tagkeras.experiment.resampled_run import normal_resamples
from tagkeras.experiment.runs import Configuration, Run

BILINEAR = Configuration(model="bilinear", embedding_dim=8)
BIASED = Configuration(model="user_biased", embedding_dim=8)
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
        run = Run(dataset=dataset, configuration=configuration, seed=seed)
        given = {
            "users": USERS,
            "distribution": dataset,
            "variety": {"entropy@2": (1.0, (0.9, 1.1))},
            "tags": [("cat", 4, seed), ("dog", 0, 0)],
            **options,
        }
        if run.seed == 0 and configuration == BILINEAR:
            given["baselines"] = {"frequency_baseline": [[1, 0]] * 4}
        write_run(folder / run.evaluation, hits, **given)
        runs.append(run)
    return runs


def test_values_by_hand(tmp_path):
    (results,) = aggregate(tmp_path, make(tmp_path), {"natural": {"cat": "both"}})
    assert (results.name, results.distribution, results.ks) == ("natural", "natural", (1, 2))
    assert (results.num_posts, results.num_users, results.seeds) == (4, 3, (0, 1))
    assert list(results.models) == [BILINEAR, BIASED]
    bilinear = results.models[BILINEAR]
    # Seed 0: P@1 2/4, R@2 (1 + 0 + 1 + 2) / 2 / 4, A@2 3/4; seed 1: 1/4, (1 + 1) / 2 / 4, 2/4.
    assert bilinear["P@1"].value == (2 / 4 + 1 / 4) / 2
    assert bilinear["R@2"].value == (4 / 8 + 2 / 8) / 2
    assert bilinear["A@2"].value == (3 / 4 + 2 / 4) / 2
    assert bilinear["entropy@2"].value == 1
    assert results.baselines["frequency_baseline"]["P@1"].value == 1
    assert results.baselines["frequency_baseline"]["R@2"].value == 0.5
    assert results.hashtag_kinds == {"cat": "both"}
    assert results.headline == "R@2"
    assert results.shown_metrics == ("P@1", "R@2", "A@2")


def test_resamples_beside_a_loop(tmp_path):
    """Each resample draws users with all their posts, and one of the two seeds."""
    (results,) = aggregate(tmp_path, make(tmp_path), {}, samples=200, seed=3)
    names = sorted(set(USERS))
    for configuration in (BILINEAR, BIASED):
        recalls = {seed: [sum(hits) / 2 for hits in HITS[configuration, seed]] for seed in (0, 1)}
        samples = results.models[configuration]["R@2"].samples
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
    (results,) = aggregate(tmp_path, make(tmp_path, users=["a"] * 4), {}, samples=100)
    samples = results.models[BILINEAR]
    # One user: no spread but that of seeds. P@1 is 1/2 or 1/4 where R@2 is 1/2 or 1/4.
    np.testing.assert_allclose(samples["P@1"].samples, samples["R@2"].samples)
    assert set(samples["P@1"].samples.tolist()) == {0.5, 0.25}


def test_datasets_that_share_users_are_paired(tmp_path):
    """The same posts as two datasets, one with a user more: differences have no users' spread."""
    runs = [run for run in make(tmp_path) if run.seed == 0]
    other = [run for run in make(tmp_path, "balanced", fingerprint="g") if run.seed == 0]
    natural, balanced = aggregate(tmp_path, [*runs, *other], {})
    difference = natural.models[BIASED]["R@2"] - balanced.models[BIASED]["R@2"]
    assert natural.models[BIASED]["R@2"].samples.std() > 0
    np.testing.assert_allclose(difference.samples, 0, atol=1e-12)


def test_datasets_that_share_no_users_are_not(tmp_path):
    runs = [run for run in make(tmp_path) if run.seed == 0]
    others = ["dan", "eve", "dan", "flo"]
    other = make(tmp_path, "balanced", fingerprint="g", users=others)
    natural, balanced = aggregate(tmp_path, [*runs, *(run for run in other if run.seed == 0)], {})
    samples = [data.models[BIASED]["R@2"].samples for data in (natural, balanced)]
    # A resample may have no user of one of the datasets.
    known = ~np.isnan(samples).any(axis=0)
    assert known.mean() > 0.9
    assert (samples[0][known] != samples[1][known]).any()


def test_recalls_of_tags(tmp_path):
    (results,) = aggregate(tmp_path, make(tmp_path), {})
    recalls = results.tag_recalls
    assert recalls.tags == ("cat", "dog")
    assert recalls.num_posts.tolist() == [4, 0]
    np.testing.assert_array_equal(recalls.recalls[BILINEAR], [(0 / 4 + 1 / 4) / 2, np.nan])


def test_evaluations_of_other_posts_are_refused(tmp_path):
    runs = make(tmp_path)
    write_run(tmp_path / runs[2].evaluation, HITS[BIASED, 0], users=USERS, fingerprint="h")
    with pytest.raises(UserError, match="user_biased-d8-seed0 is of other posts or metrics than"):
        aggregate(tmp_path, runs, {})


def test_an_evaluation_that_is_gone(tmp_path):
    runs = make(tmp_path)
    (tmp_path / runs[1].evaluation / "metrics.json").unlink()
    with pytest.raises(UserError, match="bilinear-d8-seed1 is no folder of tagkeras.evaluate"):
        aggregate(tmp_path, runs, {})


def test_coverage_and_entropy_are_drawn_from_their_interval():
    rng = np.random.default_rng(0)
    statistic = normal_resamples(5.0, [4.0, 6.0], 100_000, rng)
    assert statistic.value == 5
    assert statistic.interval == pytest.approx((4, 6), abs=0.02)
    cut_off = normal_resamples(0.99, [0.97, 1.0], 100_000, rng)  # at what a share can be
    assert cut_off.interval == pytest.approx((0.97, 1.01), abs=0.001)
