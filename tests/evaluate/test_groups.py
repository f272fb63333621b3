import numpy as np
import pytest
from handmade_evaluations import make_posts
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy_metrics import age_group

from tagkeras.cli.errors import UserError
from tagkeras.evaluate.bootstrap import bootstrap_means, resample
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


@settings(deadline=None)
@given(
    st.lists(st.floats(0, 120, width=32) | st.just(NAN) | st.integers(15, 70), min_size=1),
    st.lists(st.integers(1, 199), min_size=1, max_size=5, unique=True).map(sorted),
)
def test_ages_by_loops(ages, bounds):
    """A bound begins its group; groups without posts are left out, unknown stands last."""
    ages = [*ages, 0.0, NAN]
    found, groups = groups_of(people(ages), "age", bounds)
    names = age_group_names(bounds)
    assert len(set(names)) == len(bounds) + 1
    assert list(found) == [name for name in (*names, "unknown") if name in groups]
    named = name_age_groups(np.array(ages, np.float32), bounds)
    for age, group, name in zip(ages, groups, named, strict=True):
        place = age_group(age, bounds)
        assert group == ("unknown" if place is None else names[place])
        assert name == ("" if place is None else names[place])


@pytest.mark.parametrize(
    ("bounds", "names"),
    [
        ((18, 25, 65), ["under 18", "18 to 24", "25 to 64", "65 and over"]),
        ((17.5, 20), ["under 17.5", "17.5 to 19", "20 and over"]),
        ((18, 20.5), ["under 18", "18 to under 20.5", "20.5 and over"]),
    ],
)
def test_names_of_age_groups(bounds, names):
    assert list(age_group_names(bounds)) == names
    assert parse_age_bounds([str(bound) for bound in bounds]) == bounds


def test_words_by_frequency_and_unknown_last():
    posts = people(country=["", "GB", "", "US", "", "GB", "CA", "AU"])
    names, groups = groups_of(posts, "country")
    assert names == ("GB", "AU", "CA", "US", "unknown")
    assert groups == ["unknown", "GB", "unknown", "US", "unknown", "GB", "CA", "AU"]


def test_facts_that_tell_no_groups_apart_are_left_out():
    posts = people([17, 40, NAN], gender=["", "", ""], country=["GB", "GB", "GB"])
    assert [grouping.attribute for grouping in make_groupings(posts)] == ["age"]
    assert make_groupings(posts, masked_facts=("age", "place")) == []


def test_rare_values_of_a_category_are_one_group():
    common = [f"c{number}" for number in range(15) for _ in range(2)]
    posts = people(camera=[*common, "x", "", "y"], followers=[0.0] * 33)
    names, groups = groups_of(posts, "camera")
    assert set(names[:15]) == set(common)
    assert names[15:] == ("others", "unknown")
    assert groups[30:] == ["others", "unknown", "others"]
    # One value alone keeps its name.
    assert "x" in groups_of(people(camera=[*common, "x", "", "x"]), "camera")[0]


@pytest.mark.parametrize("text", ["", "old", "25,18", "0", "18,nan", "18,200"])
def test_age_groups_that_do_not_rise(text):
    words = text.split(",") if text else []
    with pytest.raises(UserError, match=f"--age_groups={text}: give rising ages in years, as 18"):
        parse_age_bounds(words)


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


@pytest.mark.parametrize(
    ("users", "names", "is_named"),
    [
        (np.arange(2 * MIN_USERS), ("one", "other"), True),
        (np.arange(2 * MIN_USERS - 1), ("one", "other"), False),
        (np.repeat(np.arange(4), 100), ("one", "other"), False),
        (np.arange(2 * MIN_USERS), ("one", "unknown"), False),
    ],
    ids=["enough", "one too few", "many posts of few users", "unknown"],
)
def test_which_groups_have_a_gap(users, names, is_named):
    _, gap = measure((users, users % 2, {"P@1": users % 2 * 1.0}), "P@1", names)
    assert (gap is not None) == is_named
