"""The lists of one photo for several users."""

import dataclasses

import numpy as np
import pytest
import tensorflow as tf
from explaining_helpers import COUNTRIES, M, make_manifest, make_model, make_vocabulary

from tagkeras.cli.errors import UserError
from tagkeras.data.cities import find_city
from tagkeras.data.facts import Facts
from tagkeras.data.user import UNKNOWN_USER, User
from tagkeras.explain.counterfactuals import (
    counterfactual_lists,
    describe_users,
    users_by_age_and_gender,
    users_by_city,
)
from tagkeras.names import MODELS

N, Y = 5, 12
MANIFEST = make_manifest(N, Y)
VOCABULARY = make_vocabulary(*(f"tag{i}" for i in range(Y)))
USERS = [
    User(age=16, gender="female", country="GB", latitude=51.5, longitude=-0.1),
    User(age=70, gender="male", country="US"),
    UNKNOWN_USER,
]


def test_user_descriptors_by_hand():
    user = User(age=30, gender="male", country="gb", latitude=0.04, longitude=90.01)
    known, unknown = describe_users([user, UNKNOWN_USER], MANIFEST)
    # 0N 90E is the point (0, 1, 0), each of whose coordinates is scaled to [0, 1].
    np.testing.assert_allclose(known, [0.3, 1, 0, 1, 0, 0, 0, 0.5, 1, 0.5], atol=1e-6)
    np.testing.assert_allclose(unknown, [0.5, 0, 0, 0, 0, 0, 0, 0.5, 0.5, 0.5])
    names = Facts(tuple(COUNTRIES)).feature_names
    assert names == (
        *("age", "gender", "country US", "country GB", "country CA", "country AU", "country NZ"),
        *("x", "y", "z"),
    )
    assert len(names) == M


@pytest.mark.parametrize("name", MODELS)
def test_lists_are_those_of_the_model(name):
    model, x = make_model(name, Y, N), np.random.default_rng(0).normal(size=N)
    lists = counterfactual_lists(model, MANIFEST, VOCABULARY, x, USERS, 4)
    batch = {
        "descriptor": tf.constant(np.tile(x, (3, 1)), tf.float32),
        "user_descriptor": describe_users(USERS, MANIFEST),
    }
    scores, ids = model.top_k(model(batch), 4)
    assert [ranked.user for ranked in lists] == USERS
    for ranked, row_scores, row_ids in zip(lists, scores.numpy(), ids.numpy(), strict=True):
        assert [tag.hashtag for tag in ranked.hashtags] == [f"tag{i}" for i in row_ids]
        assert [tag.score for tag in ranked.hashtags] == row_scores.tolist()
    same = len({ranked.hashtags for ranked in lists}) == 1
    assert same == (name == "bilinear")


def test_no_users_no_lists_and_k_within_the_vocabulary():
    model, x = make_model("bilinear", Y, N), np.ones(N)
    assert counterfactual_lists(model, MANIFEST, VOCABULARY, x, [], 4) == ()
    for k in (0, Y + 1):
        with pytest.raises(ValueError, match=f"k must be 1 to {Y}, received {k}"):
            counterfactual_lists(model, MANIFEST, VOCABULARY, x, USERS, k)


def test_users_by_age_and_gender_live_in_the_place_given():
    place = User(age=5, gender="other", country="NZ", latitude=-36.8, longitude=174.8)
    users = users_by_age_and_gender([16, 30.5], ["male", "female"], place)
    assert [user.name for user in users] == ["male, 16", "male, 30.5", "female, 16", "female, 30.5"]
    assert [(user.age, user.gender) for user in users[:2]] == [(16, "male"), (30.5, "male")]
    assert {user.place for user in users} == {"NZ, -36.8 174.8"}
    assert users_by_age_and_gender([], ["male"]) == []
    with pytest.raises(UserError, match="age must be from 0 to 150, got 151"):
        users_by_age_and_gender([151], ["male"])


def test_users_by_city_are_the_person_given():
    person = User(age=41, gender="male", country="US")
    (user,) = users_by_city([find_city("auckland")], person)
    expected = {"country": "NZ", "latitude": -36.85, "longitude": 174.76, "name": "Auckland"}
    assert user == dataclasses.replace(person, **expected)


@pytest.mark.parametrize(
    ("user", "label"),
    [
        (User(), "unknown user"),
        (User(age=30), "age 30"),
        (User(age=30.5, gender="other"), "other, 30.5"),
        (User(country="gb", latitude=51.507, longitude=-0.128), "GB, 51.51 -0.128"),
        (User(gender="female", country="GB"), "female, GB"),
        (User(gender="female", name="Ann"), "Ann"),
    ],
)
def test_labels(user, label):
    assert user.label == label
