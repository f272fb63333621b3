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
