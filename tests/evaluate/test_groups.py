import numpy as np
import pytest
from evaluation_helpers import make_posts
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy_metrics import age_group

from tagkeras.cli.errors import UserError
from tagkeras.evaluate.groups import (
    AGE_BOUNDS,
    age_group_names,
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
