import itertools

import numpy as np
import pytest
from evaluation_helpers import make_posts
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy_metrics import age_group

from tagkeras.cli.errors import UserError
from tagkeras.evaluate.bootstrap import bootstrap_means, percentiles, resample
from tagkeras.evaluate.groups import (
    AGE_BOUNDS,
    MIN_USERS,
    Grouping,
    age_group_names,
    group_metrics,
    make_groupings,
    name_age_groups,
    parse_age_bounds,
)

NAN = float("nan")


def groups_of(posts, attribute, bounds=AGE_BOUNDS):
    (found,) = (g for g in make_groupings(posts, bounds) if g.attribute == attribute)
    return found.names, [found.names[group] for group in found.group]


def people(ages=None, **words):
    (number,) = {len(v) for v in (ages, *words.values()) if v is not None}
    ages = np.full(number, NAN) if ages is None else ages
    hits = np.zeros((number, 1), bool)
    return make_posts(hits, age=np.array(ages, np.float32), **words)


def test_attributes():
    posts = people([3], gender=["male"], country=["GB"])
    assert [g.attribute for g in make_groupings(posts)] == ["age", "gender", "country"]


def test_boundaries_of_ages():
    """A boundary begins its group; groups without posts are left out, unknown stands last."""
    names, groups = groups_of(people([NAN, 65, 17.99, 18, 24.5, 25, 34, 100, 0]), "age")
    assert groups == [
        "unknown",
        "65 and over",
        "under 18",
        "18 to 24",
        "18 to 24",
        "25 to 34",
        "25 to 34",
        "65 and over",
        "under 18",
    ]
    assert names == ("under 18", "18 to 24", "25 to 34", "65 and over", "unknown")


@settings(deadline=None)
@given(
    st.lists(st.floats(0, 120, width=32) | st.just(NAN) | st.integers(15, 70), min_size=1),
    st.lists(st.integers(1, 199), min_size=1, max_size=5, unique=True).map(sorted),
)
def test_ages_by_loops(ages, bounds):
    _, groups = groups_of(people(ages), "age", bounds)
    names = age_group_names(bounds)
    for age, group in zip(ages, groups, strict=True):
        place = age_group(age, bounds)
        assert group == ("unknown" if place is None else names[place])


@pytest.mark.parametrize(
    ("bounds", "names"),
    [
        ((18, 25, 65), ["under 18", "18 to 24", "25 to 64", "65 and over"]),
        ((30,), ["under 30", "30 and over"]),
        ((18, 19, 21), ["under 18", "18", "19 to 20", "21 and over"]),
        ((17.5, 20), ["under 17.5", "17.5 to 19", "20 and over"]),
        ((18, 20.5), ["under 18", "18 to under 20.5", "20.5 and over"]),
    ],
)
def test_names_of_age_groups(bounds, names):
    assert list(age_group_names(bounds)) == names


@settings(deadline=None)
@given(st.lists(st.integers(2, 398).map(lambda n: n / 2), min_size=2, unique=True).map(sorted))
def test_names_of_age_groups_differ(bounds):
    names = age_group_names(bounds)
    assert len(set(names)) == len(names) == len(bounds) + 1


def test_the_group_of_each_age():
    ages = np.array([3, 17.9, 18, 24, 25, 64, 65, 200, np.nan], np.float32)
    assert name_age_groups(ages) == [
        "under 18", "under 18", "18 to 24", "18 to 24", "25 to 34", "55 to 64",
        "65 and over", "65 and over", "",
    ]  # fmt: skip


def test_words_by_frequency_and_unknown_last():
    posts = people(country=["", "GB", "", "US", "", "GB", "CA", "AU"])
    names, groups = groups_of(posts, "country")
    assert names == ("GB", "AU", "CA", "US", "unknown")
    assert groups == ["unknown", "GB", "unknown", "US", "unknown", "GB", "CA", "AU"]


def test_everyone_alike():
    posts = people(gender=["female"] * 3)
    assert groups_of(posts, "gender") == (("female",), ["female"] * 3)
    assert groups_of(posts, "age") == (("unknown",), ["unknown"] * 3)


@pytest.mark.parametrize(
    ("words", "bounds"), [(["18", "25"], (18, 25)), (["30"], (30,)), (["17.5", "199"], (17.5, 199))]
)
def test_age_groups_of_the_flag(words, bounds):
    assert parse_age_bounds(words) == bounds


@pytest.mark.parametrize(
    "words",
    [
        [],
        ["old"],
        [""],
        ["18", "18"],
        ["25", "18"],
        ["0"],
        ["-3", "18"],
        ["nan"],
        ["18", "nan"],
        ["18", "inf"],
        ["18", "200"],
        ["18-25"],
    ],
)
def test_age_groups_that_do_not_rise(words):
    with pytest.raises(UserError, match="give rising ages in years, as 18,25,35") as error:
        parse_age_bounds(words)
    assert str(error.value).startswith(f"--age_groups={','.join(words)}: ")


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
