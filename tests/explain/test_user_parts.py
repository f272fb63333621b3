"""The parts that add up to the difference a user makes, by hand and against the formulas."""

import functools
import math

import hypothesis
import numpy as np
import pytest
from hypothesis import strategies as st
from numpy_embeddings import FORMULAS, make_embedding, weights_of

from tagkeras.data.facts import FactSchema
from tagkeras.data.manifest import Manifest
from tagkeras.data.user import UNKNOWN_USER, User
from tagkeras.data.vocabulary import Vocabulary
from tagkeras.explain.counterfactuals import describe_users
from tagkeras.explain.explanation import explain_hashtag
from tagkeras.explain.user_parts import split_into_parts
from tagkeras.models import HashtagModel
from tagkeras.names import MODELS

COUNTRIES = ("US", "GB", "CA", "AU", "NZ")
M = 5 + len(COUNTRIES)
GB = 3  # its place in a user descriptor
OFFSET = {"user_offset": True}


def make_manifest(n, num_tags):
    return Manifest(
        descriptor_size=n,
        descriptor_dtype="float32",
        num_tags=num_tags,
        splits={},
        user_descriptor={"countries": list(COUNTRIES), "location_decimals": 1, "size": M},
    )


def make_model(name, num_tags, n, *, d=4, rank=9, user_hidden=6, seed=0, **options):
    sizes = {"embedding_dim": d, "rank": rank, "user_hidden": user_hidden}
    embedding = make_embedding(name, seed=seed, initial_stddev=0.6, **sizes, **options)
    model = HashtagModel(embedding, num_tags, initial_stddev=0.6, seed=seed)
    model.build({"descriptor": (None, n), "user_descriptor": (None, M)})
    return model


VOCABULARY = Vocabulary(("ball", "crisps", "pub"), np.array([3, 2, 1]))
RANDOM_N, RANDOM_TAGS = 5, 12
RANDOM_VOCABULARY = Vocabulary(
    tuple(f"tag{i}" for i in range(RANDOM_TAGS)), np.arange(RANDOM_TAGS, 0, -1)
)

users = st.builds(
    lambda place, **facts: User(**facts, latitude=place[0], longitude=place[1]),
    age=st.none() | st.floats(0, 150, width=32),
    gender=st.sampled_from([None, "female", "male", "other"]),
    country=st.sampled_from([None, *COUNTRIES, "FR"]),
    place=st.just((None, None)) | st.tuples(st.floats(-90, 90), st.floats(-180, 180)),
)


@functools.cache
def random_model(name, seed, **options):
    return make_model(name, RANDOM_TAGS, RANDOM_N, seed=seed, **options)


def explain(model, descriptor, hashtag, user, vocabulary=VOCABULARY, **options):
    manifest = make_manifest(len(descriptor), len(vocabulary))
    return explain_hashtag(model, manifest, vocabulary, descriptor, hashtag, user, **options)


@pytest.fixture
def by_hand():
    """Two factors: h is 2.5 for a Briton and 0.5 for an unknown user."""
    model = make_model("multiplicative", 3, 2, d=1, rank=2, user_hidden=1)
    W = np.zeros((1, 10))
    W[0, GB] = 2
    factors = {"alpha": [[1, -2]], "beta": [[1, 0.5]], "gamma": [[3, 0], [0, 4]]}
    for name, value in {"W": W, "b": [0.5], **factors}.items():
        getattr(model.embedding, name).assign(value)
    model.tag_table.assign([[2], [-1], [1]])
    return model


def test_factors_by_hand(by_hand):
    e = explain(by_hand, np.array([30.0, 40.0]), "#Ball", User(country="gb"))
    # The photo normalised is (0.6, 0.8), the image's values (1.8, 3.2); the gates go from
    # (0.5, -1) to (2.5, -5); of #ball, the hashtag's values are (2, 1).
    assert [c.name for c in e.contributions] == ["factor 2", "factor 1"]
    second, first = e.contributions
    assert first.value == pytest.approx((2.5 - 0.5) * 1.8 * 2)
    assert second.value == pytest.approx((-5 + 1) * 3.2 * 1)
    assert (first.user_value, first.unknown_value) == pytest.approx((2.5, 0.5))
    assert (second.user_value, second.unknown_value) == pytest.approx((-5, -1))
    assert (second.image_value, second.hashtag_value) == pytest.approx((3.2, 1))
    # The first is pushed up: it raises what has a positive value; the second is pushed down.
    assert first.raised == ("ball", "pub")
    assert second.raised == ("crisps",)
    assert (e.score, e.unknown_score) == pytest.approx((-7, -1.4))
    assert (e.rank, e.unknown_rank, e.num_hashtags) == (3, 3, 3)
    assert (e.num_others, e.others) == (0, 0)
    assert (e.hashtag, e.model) == ("ball", "multiplicative")
    (without,) = e.without
    assert (without.fact, without.rank) == ("country", 3)
    assert without.score == pytest.approx(-1.4)


def test_features_by_hand():
    model = make_model("user_biased", 3, 2, d=1)
    S = np.zeros((1, 10))
    S[0, 1], S[0, GB], S[0, 0] = 1, 2, 0.5  # gender, GB, age
    model.embedding.S.assign(S)
    model.embedding.P.assign([[1, 0]])
    model.tag_table.assign([[2], [-1], [1]])
    user = User(age=30, gender="female", country="GB")
    e = explain(model, np.array([7.0, 0.0]), "ball", user)
    assert {c.name: c.value for c in e.contributions} == pytest.approx(
        {"country GB": 1 * 2 * 2, "gender": -1 * 1 * 2, "age": (0.3 - 0.5) * 0.5 * 2}
    )
    assert [c.name for c in e.contributions] == ["country GB", "gender", "age"]
    assert all(c.image_value is None for c in e.contributions)
    assert e.contributions[0].raised == ("ball", "pub")
    assert e.contributions[1].raised == ("crisps",)
    # P x = 1 and S u = 2 - 1 + 0.15, against S u0 = 0.25.
    assert (e.score, e.unknown_score) == pytest.approx((2 * 2.15, 2 * 1.25))
    assert {w.fact: w.score for w in e.without} == pytest.approx(
        {"age": 2 * (1 + 2 - 1 + 0.25), "gender": 2 * (1 + 2 + 0.15), "country": 2 * (1 - 1 + 0.15)}
    )


@pytest.mark.parametrize(
    ("name", "options"), [("user_biased", {}), ("multiplicative", {}), ("multiplicative", OFFSET)]
)
def test_masked_columns_contribute_nothing(name, options):
    """Whatever their weights, and as the scores of the model say."""
    model = make_model(name, 3, 2, user_mask=[i != GB for i in range(M)], **options)
    user = User(age=30, country="GB")
    e = explain(model, np.array([3.0, 4.0]), "ball", user, num_contributions=100)
    alone = explain(model, np.array([3.0, 4.0]), "ball", User(age=30), num_contributions=100)
    assert e.contributions == alone.contributions != ()
    assert math.fsum(c.value for c in e.contributions) == pytest.approx(
        e.score - e.unknown_score, abs=1e-5
    )


def test_the_offset_of_a_multiplicative_model_stands_beside_its_factors(by_hand):
    model = make_model("multiplicative", 3, 2, d=1, rank=2, user_hidden=1, **OFFSET)
    for weight in by_hand.embedding.weights:
        getattr(model.embedding, weight.name).assign(weight)
    S = np.zeros((1, 10))
    S[0, GB] = 3
    model.embedding.S.assign(S)
    model.tag_table.assign(by_hand.tag_table)
    e = explain(model, np.array([30.0, 40.0]), "ball", User(country="GB"))
    without = explain(by_hand, np.array([30.0, 40.0]), "ball", User(country="GB"))
    assert e.contributions[:2] == without.contributions  # -12.8 and 7.2
    country = e.contributions[2]
    assert (country.name, country.value, country.image_value) == ("country GB", 3 * 2, None)
    assert country.raised == ("ball", "pub")


def test_ties_go_to_the_more_frequent_hashtag():
    model = make_model("bilinear", 3, 2)
    model.tag_table.assign(np.tile(model.tag_table.numpy()[:1], (3, 1)))
    descriptor = np.array([3.0, 4.0])
    ranks = [explain(model, descriptor, tag, User(age=3)).rank for tag in VOCABULARY.tags]
    assert ranks == [1, 2, 3]


@pytest.mark.parametrize(
    ("name", "options"), [*((name, {}) for name in MODELS), ("multiplicative", OFFSET)]
)
@hypothesis.given(
    user=users,
    descriptor=st.lists(st.floats(-50, 50, width=32), min_size=RANDOM_N, max_size=RANDOM_N),
    tag_id=st.integers(0, RANDOM_TAGS - 1),
    num_contributions=st.integers(1, 12),
    seed=st.integers(0, 2),
)
@hypothesis.settings(max_examples=25, deadline=None)
def test_contributions_add_up(name, options, user, descriptor, tag_id, num_contributions, seed):
    model = random_model(name, seed, **options)
    manifest, x = make_manifest(RANDOM_N, RANDOM_TAGS), np.array(descriptor)
    # Shorter ones are not brought to length 1.
    hypothesis.assume(not 0 < np.linalg.norm(x) < 1e-12)
    weights, row = weights_of(model.embedding), model.tag_table.numpy()[tag_id].astype(np.float64)
    u, u0 = describe_users([user, UNKNOWN_USER], manifest).astype(np.float64)
    formula = FORMULAS[name]
    expected = (formula(weights, x, u) - formula(weights, x, u0)) @ row

    parts = split_into_parts(model.embedding, x, u, u0, FactSchema(COUNTRIES).feature_names)
    assert parts.pushes @ (row @ parts.directions) == pytest.approx(expected, abs=1e-12)
    e = explain(
        model,
        x,
        f"tag{tag_id}",
        user,
        vocabulary=RANDOM_VOCABULARY,
        num_contributions=num_contributions,
    )
    values = [c.value for c in e.contributions]
    assert math.fsum([*values, e.others]) == pytest.approx(expected, abs=1e-12)
    assert e.score - e.unknown_score == pytest.approx(expected, abs=1e-4)
    assert len(values) <= num_contributions
    assert [abs(v) for v in values] == sorted((abs(v) for v in values), reverse=True)
    for c in e.contributions:
        image_value = 1 if c.image_value is None else c.image_value
        product = (c.user_value - c.unknown_value) * image_value * c.hashtag_value
        assert c.value == pytest.approx(product)
        is_raised = c.value > 0
        assert is_raised or e.hashtag not in c.raised
        assert len(c.raised) <= 5
