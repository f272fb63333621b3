import pytest

from serving.demo import people, places
from serving.demo.countries import NAMES, OUTLINES
from serving.demo.people import AT_FIRST, PRESETS, Person
from serving.demo.places import Place
from tagkeras.cli.errors import UserError
from tagkeras.data.cities import CITIES
from tagkeras.data.facts import GENDERS
from tagkeras.data.user import UNKNOWN_USER, User

LONDON = Place(country="GB", latitude=51.51, longitude=-0.13)
DENVER = Place(country="US", latitude=39.74, longitude=-104.98)
SOMEWHERE = Place(country="GB", latitude=57.0, longitude=-4.0)


def test_a_user_of_controls():
    person = Person(age=41, age_known=True, gender="female", place=LONDON)
    assert person.user == User(
        age=41, gender="female", country="GB", latitude=51.51, longitude=-0.13
    )
    assert person.words == "Woman, 41, London, United Kingdom"


def test_what_is_unknown_is_not_told():
    person = Person(age=41, age_known=False)
    assert person.user == UNKNOWN_USER
    assert person.words == "Somebody unknown"
    assert Person(age=None, age_known=True).words == "Somebody unknown"
    assert Person(age=None, age_known=True).user == UNKNOWN_USER
    assert Person(gender="male").words == "Man"
    assert Person(gender="other").words == "Person"
    assert Person(place=Place(country="FR")).words == "Person, France"


def test_a_value_that_cannot_be():
    with pytest.raises(UserError, match="gender"):
        _ = Person(gender="robot").user


def test_everyone_that_the_model_knows_can_be_asked_about():
    assert [Person(gender=gender).user.gender for gender in people.GENDERS] == [None, *GENDERS]


def test_presets_can_all_be_asked():
    for person in PRESETS.values():
        assert isinstance(person.user, User)
    assert AT_FIRST[0].user != AT_FIRST[1].user


@pytest.mark.parametrize(
    ("clicked", "expected"),
    [
        # 0.5 degrees of latitude are 56 km: London is meant.
        ({"country": "GB", "latitude": 52.01, "longitude": -0.13}, LONDON),
        # In the Pacific there is neither a country nor a city.
        (
            {"country": "", "latitude": 10.0, "longitude": -150.0},
            Place(latitude=10.0, longitude=-150.0),
        ),
        # 600 km from Denver and as far from all others.
        (
            {"country": "US", "latitude": 44.0, "longitude": -100.0},
            Place(country="US", latitude=44.0, longitude=-100.0),
        ),
        # The arrow keys mean the very point.
        (
            {"country": "GB", "latitude": 52.01, "longitude": -0.13, "exact": True},
            Place(country="GB", latitude=52.01, longitude=-0.13),
        ),
        ({}, Place()),
        (None, Place()),
    ],
)
def test_a_click_on_the_map(clicked, expected):
    assert places.clicked(clicked) == expected


def test_a_click_beside_a_border_takes_the_city_s_country():
    near_seattle = {"country": "CA", "latitude": 48.5, "longitude": -122.0}
    assert places.clicked(near_seattle) == Place(country="US", latitude=47.61, longitude=-122.33)


def test_a_country_keeps_a_city_of_its_own_and_no_other_home():
    assert places.in_country("GB", LONDON) == LONDON
    assert places.in_country("US", LONDON) == Place(country="US")
    assert places.in_country("GB", SOMEWHERE) == Place(country="GB")
    assert places.in_country("", LONDON) == Place()
    assert places.in_country(None, LONDON) == Place()


def test_a_city_brings_its_country():
    assert places.in_city("Denver", LONDON) == DENVER
    assert places.in_city("", LONDON) == Place(country="GB")


def test_places_in_words():
    assert DENVER.words == "Denver, United States"
    assert SOMEWHERE.words == "57.0° N 4.0° W, United Kingdom"
    assert Place(latitude=-33.0, longitude=10.0).words == "33.0° S 10.0° E"
    assert Place().words == ""


def test_the_map_shows_what_it_is_given():
    assert places.from_map(DENVER.to_map()) == DENVER


def test_the_map_says_what_it_shows():
    assert DENVER.to_map()["words"] == "Denver, United States"
    assert Place().to_map()["words"] == "unknown"


@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        ("text", Place()),
        (["GB", 1, 2], Place()),
        (7, Place()),
        ({"country": {"path": "/etc/passwd"}, "latitude": 1, "longitude": 2}, (1, 2)),
        ({"country": "XX"}, Place()),
        ({"country": ["GB"]}, Place()),
        ({"country": "GB", "latitude": "1", "longitude": 2}, Place(country="GB")),
        ({"country": "GB", "latitude": 1}, Place(country="GB")),
        ({"country": "GB", "latitude": True, "longitude": 2}, Place(country="GB")),
        ({"latitude": float("nan"), "longitude": 2}, Place()),
        ({"latitude": 91, "longitude": 2}, Place()),
        ({"latitude": -90, "longitude": 180.5}, Place()),
        ({"latitude": -90, "longitude": 180}, (-90, 180)),
    ],
)
def test_a_browser_may_send_anything(sent, expected):
    if isinstance(expected, tuple):
        expected = Place(latitude=expected[0], longitude=expected[1])
    assert places.from_map(sent) == expected
    places.clicked(sent)


@pytest.mark.parametrize(
    ("sent", "number"), [({"click": 3}, 3), ({"click": "3"}, 0), ({}, 0), (None, 0), ("3", 0)]
)
def test_clicks_have_numbers(sent, number):
    assert places.click_number(sent) == number


def test_countries():
    assert len(NAMES) == 249
    assert NAMES["GB"] == "United Kingdom"
    assert {city.country for city in CITIES} <= NAMES.keys()
    outlines = {country.code: country.outline for country in OUTLINES}
    assert outlines["GB"].startswith("M")
    assert outlines["SG"] == ""
