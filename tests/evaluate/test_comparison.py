import dataclasses

import numpy as np
import pytest
from handmade_evaluations import make_posts, write_evaluation
from numpy_metrics import sign_flip_exact

from tagkeras.cli.errors import UserError
from tagkeras.evaluate.bootstrap import bootstrap_means, percentiles
from tagkeras.evaluate.comparison import compare, sign_flip_p_values


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """Two evaluations on 200 posts of 50 users, and how often the second one hits more."""
    rng, folder = np.random.default_rng(0), tmp_path_factory.mktemp("compare")
    users = rng.integers(50, size=200)
    num_truth = rng.integers(1, 6, size=200)
    hits = rng.random((200, 5)) < 0.2
    better = hits | (rng.random((200, 5)) < 0.05)
    return [
        write_evaluation(folder / name, make_posts(h, num_truth, users), ks=[1, 5])
        for name, h in (("first", hits), ("second", better))
    ]


def test_against_exact_enumeration():
    rng = np.random.default_rng(1)
    users = rng.integers(9, size=30)
    gains = rng.integers(-3, 4, size=(30, 4)) * [0.25, 0.1, 1, 0] + [0.1, 0, 0.5, 0]
    p_values = sign_flip_p_values(users, gains, permutations=20_000)
    for column in range(4):
        exact = sign_flip_exact(users.tolist(), gains[:, column].tolist())
        assert abs(p_values[column] - exact) < 0.012, (column, exact)
    assert p_values[3] == 1


def test_smallest_p_value_and_its_law():
    gains = np.ones((50, 1))
    assert sign_flip_p_values(np.arange(50), gains).tolist() == [1 / 10_001]
    # One user: the sign changes nothing about how far the mean is from 0.
    assert sign_flip_p_values(np.zeros(50, int), gains).tolist() == [1]


def test_rounding_makes_no_gain_larger_than_itself():
    """Metrics are in float32: three thirds are a bit more than one."""
    for gains in ([1, 1, 1, -3], [1, -2, 3, 3, 3, -9]):
        exact = sign_flip_exact(range(len(gains)), gains)
        thirds = (np.array(gains, np.float32) / np.float32(3)).astype(np.float64)
        (p_value,) = sign_flip_p_values(np.arange(len(gains)), thirds[:, None], 20_000)
        assert abs(p_value - exact) < 0.015, gains


def test_many_users_in_pieces(monkeypatch):
    rng = np.random.default_rng(0)
    gains = rng.normal(0.05, size=(100, 2))
    whole = sign_flip_p_values(np.arange(100), gains, permutations=1000)
    monkeypatch.setattr("tagkeras.evaluate.comparison._CHUNK", 700)
    pieces = sign_flip_p_values(np.arange(100), gains, permutations=1000)
    np.testing.assert_allclose(pieces, whole, atol=0.06)
    assert (pieces * 1001 == np.round(pieces * 1001)).all()


def test_values_differences_and_intervals(runs):
    found = compare(*runs, samples=300, seed=4)
    assert list(found) == [f"{s}@{k}" for s in ("P", "R", "A", "nDCG", "MRR") for k in (1, 5)]
    scores = [r.posts.scores("model", [1, 5]) for r in runs]
    for name, difference in found.items():
        before, after = (s[name] for s in scores)
        assert difference.first == pytest.approx(before.mean())
        assert difference.second == pytest.approx(after.mean())
        assert difference.difference == pytest.approx(after.mean() - before.mean())
        means = [bootstrap_means(runs[0].posts.users, s[name][:, None], 300, 4) for s in scores]
        expected = percentiles(means[1] - means[0])[0]
        np.testing.assert_allclose([difference.low, difference.high], expected, atol=1e-12)
        assert difference.low <= difference.difference <= difference.high
    assert found["P@5"].low > 0
    assert found["P@5"].p_value < 0.001


def test_users_and_not_posts_are_what_there_is_evidence_of(tmp_path):
    """All 40 posts of two users are better, none of the third."""
    users, hits = np.repeat(np.arange(3), 40), np.zeros((120, 1), bool)
    one = write_evaluation(tmp_path / "one", make_posts(hits, users=users))
    other = write_evaluation(tmp_path / "other", make_posts(users[:, None] < 2, users=users))
    found = compare(one, other)["P@1"]
    # Two signs are equal in half of the cases; in 1 of 27 draws the third user is alone.
    assert found.p_value == pytest.approx(1 / 2, abs=0.02)
    assert (found.low, found.difference, found.high) == pytest.approx((0, 2 / 3, 1))


def test_the_metrics_that_both_have(tmp_path):
    hits, sizes = np.random.default_rng(0).random((20, 6)) < 0.5, np.full(20, 6)
    one = write_evaluation(tmp_path / "one", make_posts(hits[:, :4], sizes), ks=[1, 3, 4])
    other = write_evaluation(tmp_path / "other", make_posts(hits, sizes), ks=[1, 4, 6])
    found = compare(one, other)
    assert list(found) == [f"{s}@{k}" for s in ("P", "R", "A", "nDCG", "MRR") for k in (1, 4)]
    assert {d.difference for d in found.values()} == {0}
    neither = write_evaluation(tmp_path / "neither", make_posts(hits), ks=[2, 6])
    with pytest.raises(UserError, match="have no k in common: evaluate with --ks"):
        compare(one, neither)


@pytest.mark.parametrize(
    ("metrics", "message"),
    [
        ({"dataset": {"fingerprint": "another"}}, "are of different datasets: compare runs that"),
        ({"split": "validation"}, "are of different splits: compare runs that"),
        ({}, "are of different posts: evaluate both runs again"),
    ],
)
def test_other_posts_are_refused(runs, tmp_path, metrics, message):
    """The last by their order alone."""
    turned = dataclasses.replace(runs[0].posts, post_ids=runs[0].posts.post_ids[::-1])
    other = write_evaluation(tmp_path / "other", turned, **metrics)
    with pytest.raises(UserError, match=message):
        compare(runs[0], other)
