import math

import numpy as np
import pytest

from tagkeras.data.posts import PostError, parse_descriptor, parse_post

ROW = {
    "post_id": "p1",
    "user_id": "u1",
    "image": "a.jpg",
    "hashtags": ["#Football", "football", "Soccer"],
    "age": 34,
    "gender": "female",
    "country": "GB",
    "latitude": 51.5,
    "longitude": -0.12,
}


def test_a_whole_row():
    post = parse_post(ROW)
    assert post.hashtags == ("football", "soccer")
    assert post.hashtags_refused == 0
    assert post.image == "a.jpg"
    assert list(post.facts.items()) == [
        ("age", 34.0),
        ("gender", "female"),
        ("country", "GB"),
        ("latitude", 51.5),
        ("longitude", -0.12),
    ]


@pytest.mark.parametrize("unknown", [None, math.nan, "", "absent"])
def test_unknown_facts(unknown):
    names = ("age", "gender", "country", "latitude", "longitude")
    row = {k: v for k, v in ROW.items() if k not in names}
    if unknown != "absent":
        row |= dict.fromkeys(names, unknown)
    facts = parse_post(row).facts
    assert (facts["gender"], facts["country"]) == ("", "")
    assert all(math.isnan(facts[name]) for name in ("age", "latitude", "longitude"))


@pytest.mark.parametrize("missing", [{"latitude": None}, {"longitude": math.nan}])
def test_half_a_place_is_unknown(missing):
    facts = parse_post({**ROW, **missing}).facts
    assert math.isnan(facts["latitude"])
    assert math.isnan(facts["longitude"])


@pytest.mark.parametrize(
    ("fields", "name", "value"),
    [
        ({"post_id": 12}, "post_id", "12"),
        ({"user_id": 7}, "user_id", "7"),
        ({"hashtags": ["#", "a", "\x00"]}, "hashtags_refused", 2),
        ({"image": None, "image_bytes": b"\xff"}, "image", b"\xff"),
        ({"image": None}, "image", None),
        ({"color": "red"}, "post_id", "p1"),
    ],
)
def test_accepted_values(fields, name, value):
    assert getattr(parse_post({**ROW, **fields}), name) == value


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"post_id": None}, "no_post_id"),
        ({"post_id": True}, "bad_post_id"),
        ({"user_id": None}, "no_user_id"),
        ({"user_id": 1.5}, "bad_user_id"),
        ({"hashtags": None}, "no_hashtags"),
        ({"hashtags": ["#", " ", "\ud800"]}, "no_hashtags"),
        ({"hashtags": "football"}, "bad_hashtags"),
        ({"age": 151}, "bad_age"),
        ({"gender": 1}, "bad_gender"),
        ({"country": "GBR"}, "bad_country"),
        ({"latitude": 91}, "bad_coordinates"),
        ({"image": 5}, "bad_image"),
        ({"image_bytes": b"x"}, "bad_image"),
        ({"image": None, "image_bytes": "x"}, "bad_image"),
    ],
)
def test_refused_values(fields, reason):
    with pytest.raises(PostError) as raised:
        parse_post({**ROW, **fields})
    assert raised.value.reason == reason


def test_the_detail_leaves_metadata_out():
    with pytest.raises(PostError) as raised:
        parse_post({**ROW, "age": 7777})
    assert "7777" not in raised.value.detail


def test_descriptor():
    np.testing.assert_array_equal(parse_descriptor([1, 2.5], 2), np.float32([1, 2.5]))


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ([1.0], "descriptor_length"),
        ("ab", "bad_descriptor"),
        ([[1], [2, 3]], "bad_descriptor"),
        ([10**400, 1], "bad_descriptor"),
        ([1.0, math.nan], "descriptor_not_finite"),
        ([1.0, 1e39], "descriptor_not_finite"),
    ],
)
def test_descriptors_that_are_refused(value, reason):
    with pytest.raises(PostError) as raised:
        parse_descriptor(value, 2)
    assert raised.value.reason == reason
