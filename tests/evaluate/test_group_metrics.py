import itertools

import numpy as np
import pytest

from tagkeras.evaluate.bootstrap import bootstrap_means, percentiles, resample
from tagkeras.evaluate.group_metrics import MIN_USERS, group_metrics
from tagkeras.evaluate.groups import Grouping

NAMES = ("young", "old", "few", "unknown")
BOOTSTRAP = {"samples": 200, "seed": 3}


@pytest.fixture(scope="module")
def drawn():
    """Posts of 40 young, 50 old, 5 few and 60 unknown people."""
    rng = np.random.default_rng(0)
    group_of_user = np.repeat(np.arange(4), [40, 50, 5, 60])
    users = np.concatenate([np.arange(155), rng.integers(155, size=300)])
    group = group_of_user[users]
    chance = np.array([0.3, 0.6, 1, 0])[group]
    scores = {"P@1": rng.random(len(users)), "R@5": rng.random(len(users)) * 0.2 + 0.8 * chance}
    return users, group, scores


def measure(drawn, gap_metric="R@5", names=NAMES, **options):
    users, group, scores = drawn
    grouping = Grouping("age", names, group)
    return group_metrics(grouping, users, scores, gap_metric=gap_metric, **{**BOOTSTRAP, **options})


def test_groups_by_loops(drawn):
    users, group, scores = drawn
    rows, _ = measure(drawn)
    assert [row["group"] for row in rows] == list(NAMES)
    for place, row in enumerate(rows):
        posts = [p for p in range(len(users)) if group[p] == place]
        assert row["posts"] == len(posts)
        assert row["users"] == len({users[p] for p in posts})
        for name, values in scores.items():
            assert row[name] == pytest.approx(sum(values[p] for p in posts) / len(posts))


def test_the_partition_adds_up(drawn):
    users, _, scores = drawn
    rows, _ = measure(drawn)
    assert sum(row["posts"] for row in rows) == len(users)
    assert sum(row["users"] for row in rows) == len(set(users))
    for name, values in scores.items():
        total = sum(row["posts"] * row[name] for row in rows)
        assert total / len(users) == pytest.approx(values.mean())


def test_intervals_are_of_the_same_resamples_of_all_users(drawn):
    users, group, scores = drawn
    rows, _ = measure(drawn)
    for place, row in enumerate(rows):
        for name, values in scores.items():
            column = np.where(group == place, values, np.nan)[:, None]
            expected = percentiles(bootstrap_means(users, column, **BOOTSTRAP))[0]
            np.testing.assert_allclose(row["intervals"][name], expected)


def test_a_user_in_two_groups(drawn):
    """As for one who had a birthday between two posts: a user of both."""
    users, scores = np.array([0, 0, 1, 2]), {"P@1": np.array([1.0, 0, 1, 0])}
    rows, _ = measure((users, np.array([0, 1, 1, 0]), scores), "P@1", ("a", "b"))
    assert [(row["users"], row["posts"], row["P@1"]) for row in rows] == [(2, 2, 0.5)] * 2
    for place, row in enumerate(rows):
        means = []
        for counts in resample(3, **BOOTSTRAP):
            posts = [p for p in range(4) if [0, 1, 1, 0][p] == place]
            weight = sum(counts[users[p]] for p in posts)
            if weight:
                means.append(sum(counts[users[p]] * scores["P@1"][p] for p in posts) / weight)
        np.testing.assert_allclose(row["intervals"]["P@1"], np.percentile(means, [2.5, 97.5]))


def test_the_largest_gap(drawn):
    """Of those with enough users who say what they are."""
    users, group, scores = drawn
    rows, gap = measure(drawn)
    young, old, few, unknown = rows
    assert few["R@5"] > old["R@5"] > young["R@5"] > unknown["R@5"]
    assert few["users"] < MIN_USERS <= min(young["users"], old["users"], unknown["users"])
    assert (gap["attribute"], gap["metric"]) == ("age", "R@5")
    assert (gap["low"], gap["high"]) == ("young", "old")
    assert gap["gap"] == pytest.approx(old["R@5"] - young["R@5"])
    columns = np.stack([np.where(group == g, scores["R@5"], np.nan) for g in (1, 0)], axis=1)
    means = bootstrap_means(users, columns, **BOOTSTRAP)
    expected = np.percentile(means[:, 0] - means[:, 1], [2.5, 97.5])
    np.testing.assert_allclose(gap["interval"], expected)
    assert gap["interval"][0] < gap["gap"] < gap["interval"][1]


def test_the_largest_gap_is_the_largest():
    rng = np.random.default_rng(1)
    users = np.arange(400)
    group, score = users % 5, rng.random(400)
    rows, gap = measure((users, group, {"A@1": score}), "A@1", tuple("abcde"))
    pairs = itertools.combinations((row["A@1"] for row in rows), 2)
    assert gap["gap"] == pytest.approx(max(abs(one - other) for one, other in pairs))


@pytest.mark.parametrize(("size", "is_named"), [(MIN_USERS, True), (MIN_USERS - 1, False)])
def test_how_many_users_a_gap_needs(size, is_named):
    users = np.arange(size + MIN_USERS)
    group = (users >= size).astype(int)
    scores = {"P@1": (users % 3 == 0).astype(float)}
    _, gap = measure((users, group, scores), "P@1", ("one", "other"))
    assert (gap is not None) == is_named


def test_many_posts_of_few_users_name_no_gap():
    users = np.repeat(np.arange(4), 100)
    _, gap = measure((users, users % 2, {"P@1": users % 2 * 1.0}), "P@1", ("one", "other"))
    assert gap is None


def test_unknown_is_no_side_of_a_gap():
    users = np.arange(80)
    _, gap = measure((users, users % 2, {"P@1": users % 2 * 1.0}), "P@1", ("one", "unknown"))
    assert gap is None
