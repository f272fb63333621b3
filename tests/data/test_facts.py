import json
import math
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tagkeras.cli.errors import UserError
from tagkeras.data.facts import (
    AGE,
    COUNTRY,
    FACTS,
    GENDER,
    LATITUDE,
    FactError,
    FactSchema,
    make_facts,
    to_columns,
)
from tagkeras.data.user import UNKNOWN_USER, User

NAN = math.nan


@pytest.mark.parametrize("fact", FACTS, ids=lambda fact: fact.name)
@pytest.mark.parametrize("value", [None, NAN, ""])
def test_one_rule_for_unknown(fact, value):
    parsed = fact.parse(value)
    assert parsed == "" if fact.is_text else math.isnan(parsed)


@pytest.mark.parametrize(
    ("fact", "value", "kept"),
    [
        (AGE, 0, 0.0),
        (AGE, 150, 150.0),
        (GENDER, "female", "female"),
        (GENDER, "nonbinary", "other"),
        (COUNTRY, "gb", "GB"),
        (LATITUDE, -90, -90.0),
    ],
)
def test_known_values(fact, value, kept):
    assert fact.parse(value) == kept


@pytest.mark.parametrize(
    ("fact", "value"),
    [
        (AGE, -1),
        (AGE, 151),
        (AGE, "34"),
        (AGE, True),
        (GENDER, 1),
        (COUNTRY, "GBR"),
        (COUNTRY, "\u00df"),  # upper case: SS, which is South Sudan
        (COUNTRY, 44),
        (LATITUDE, 90.5),
        (LATITUDE, math.inf),
    ],
)
def test_values_that_are_refused(fact, value):
    with pytest.raises(FactError, match=fact.name):
        fact.parse(value)


def test_columns_of_people():
    user = User(age=34, country="gb")
    facts = {"age": NAN, "gender": "male", "country": "", "latitude": 51.5, "longitude": -0.25}
    post = SimpleNamespace(facts=facts)
    columns = to_columns([user, post])
    assert list(columns) == ["age", "gender", "country", "latitude", "longitude"]
    np.testing.assert_array_equal(columns["age"], np.float32([34, NAN]))
    np.testing.assert_array_equal(columns["longitude"], np.float32([NAN, -0.25]))
    assert columns["gender"].tolist() == ["", "male"]
    assert columns["country"].tolist() == ["GB", ""]
    assert columns["age"].dtype == np.float32


@pytest.mark.parametrize(
    ("value", "kept"), [("x", "x"), (7, "7"), (True, "true"), (None, ""), (NAN, ""), ("", "")]
)
def test_categories_are_texts(value, kept):
    (fact,) = make_facts(["camera"])[len(FACTS) :]
    assert fact.parse(value) == kept


@pytest.mark.parametrize("value", [1.5, ["x"], "\ud800", "x" * 201, b"x"])
def test_values_that_categories_cannot_have(value):
    (fact,) = make_facts(["camera"])[len(FACTS) :]
    with pytest.raises(FactError, match="camera must"):
        fact.parse(value)


def test_numbers_of_ones_own():
    (fact,) = make_facts([], ["price"])[len(FACTS) :]
    assert fact.parse(-1e30) == -1e30
    assert fact.parse_text(" 1e3 ") == 1000
    assert math.isnan(fact.parse_text(" "))
    for value in ("7", True, math.inf, 1e39):
        with pytest.raises(FactError, match="price must"):
            fact.parse(value)


@pytest.mark.parametrize(
    ("categories", "numbers", "words"),
    [
        (["a b"], [], "'a b' cannot name a fact"),
        ([], ["1st"], "'1st' cannot name a fact"),
        (["user_id"], [], "'user_id' cannot name a fact"),
        (["\u00e9"], [], "cannot name a fact"),
        (["x"], ["x"], "'x' names two facts"),
        (["country"], [], "'country' names two facts"),
    ],
)
def test_names_that_facts_cannot_have(categories, numbers, words):
    with pytest.raises(ValueError, match=words):
        make_facts(categories, numbers)


def test_columns_of_a_schema():
    facts = FactSchema(("US", "GB"), 1, {"camera": ("a", "b"), "job": ()}, {"price": (2.0, 0.5)})
    assert FactSchema.from_dict(json.loads(json.dumps(facts.to_dict()))) == facts
    assert [(c.fact, c.start, c.stop) for c in facts.columns] == [
        ("age", 0, 1),
        ("gender", 1, 2),
        ("country", 2, 4),
        ("place", 4, 7),
        ("camera", 7, 9),
        ("job", 9, 9),
        ("price", 9, 10),
    ]
    assert facts.feature_names[7:] == ("camera a", "camera b", "price")
    assert [fact.name for fact in facts.facts[len(FACTS) :]] == ["camera", "job", "price"]
    wrong = [{"countries": countries} for countries in (["USA"], ["us"], ["US", "US"])]
    wrong += [{"location_decimals": decimals} for decimals in (-1, 5)]
    wrong += [{"categories": {"camera": ("a", "a")}}, {"numbers": {"price": (0.0, 0.0)}}]
    for arguments in wrong:
        with pytest.raises(ValueError, match="received"):
            FactSchema(**arguments)


@given(st.lists(st.sampled_from(["US", "GB", "NZ", "FR"]), unique=True), st.integers(0, 4))
def test_schema_round_trip(countries, decimals):
    facts = FactSchema(tuple(countries), decimals)
    assert FactSchema.from_dict(facts.to_dict()) == facts
    # With the paper's five countries m is 10.
    assert facts.size == len(facts.feature_names) == 5 + len(countries)


@pytest.mark.parametrize(
    ("facts", "words"),
    [
        ({"age": -1}, "age must be from 0 to 150, got -1"),
        ({"gender": "m"}, "gender must be one of female, male, other, got 'm'"),
        ({"gender": 1}, "gender must be"),
        ({"country": "GBR"}, "country must be two letters"),
        ({"latitude": 9, "longitude": 181}, "longitude must be from -180 to 180"),
        ({"latitude": 9}, "go together"),
        ({"name": 7}, "name must be a string"),
    ],
)
def test_users_that_are_refused(facts, words):
    with pytest.raises(UserError, match=words):
        User(**facts)


def test_unknown_values_of_a_user_are_none():
    assert User(age=NAN, gender="", country=None) == UNKNOWN_USER
