"""The table of cities, and distances on the globe by hand."""

import math

import pytest

from tagkeras.cli.errors import UserError
from tagkeras.data.cities import (
    CITIES,
    City,
    default_cities,
    distance_km,
    find_city,
    nearest_city,
    parse_city,
)
from tagkeras.synthetic import tables


def test_the_table_has_every_city_of_the_small_world():
    assert len(tables.CITIES) == 26
    for drawn in tables.CITIES:
        city = find_city(drawn.name)
        assert city.country == drawn.country
        assert (city.latitude, city.longitude) == (drawn.latitude, drawn.longitude)


def test_names_are_unique_and_places_are_on_earth():
    assert len(CITIES) >= 40
    assert len({city.name for city in CITIES}) == len(CITIES)
    for city in CITIES:
        assert parse_city(f"{city.name}/{city.country}/{city.latitude}/{city.longitude}") == city
        assert nearest_city(city.latitude, city.longitude, within_km=0) == city.name


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("new-york", "New York"),
        (" NEW  YORK ", "New York"),
        ("sao paulo", "S\u00e3o Paulo"),
        ("S\u00c3O-PAULO", "S\u00e3o Paulo"),
        ("Sa\u0303o Paulo", "S\u00e3o Paulo"),
    ],
)
def test_names_as_people_write_them(text, name):
    assert find_city(text).name == name


def test_a_city_of_ones_own():
    assert parse_city("Leeds/gb/53.8/-1.55") == City("Leeds", "GB", 53.8, -1.55)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Londn", "'Londn' is not in the table of .* did you mean London"),
        ("Xyzzy", "not in the table of .*: give any other as Name/COUNTRY"),
        ("", "city '' is not in the table"),
        ("Leeds/GB/53.8", "is not Name/COUNTRY/latitude/longitude"),
        ("Leeds/GB/53.8/-1.55/9", "is not Name/COUNTRY/latitude/longitude"),
        ("Leeds/GB/north/-1.55", "is not Name/COUNTRY/latitude/longitude"),
        ("Leeds/England/53.8/-1.55", "'England' is no ISO 3166"),
        ("Leeds/GB/153.8/-1.55", "latitude 153.8 is not between -90 and 90"),
        ("Leeds/GB/nan/-1.55", "latitude nan is not between"),
        ("Leeds/GB/53.8/-181", "longitude -181 is not between -180 and 180"),
        ("/GB/53.8/-1.55", "has no name"),
    ],
)
def test_what_is_no_city(text, words):
    with pytest.raises(UserError, match=words) as caught:
        parse_city(text)
    assert "\n" not in str(caught.value)


def test_default_cities_are_the_largest_of_each_country():
    names = [city.name for city in default_cities(["GB", "XX", "US", "JP"])]
    assert names == ["London", "Birmingham", "New York", "Los Angeles", "Tokyo"]
    assert len(default_cities(["GB"], per_country=4)) == 4
    assert default_cities([]) == []


def test_distances_by_hand():
    quarter = math.pi * 6371 / 2
    assert distance_km(0, 0, 0, 90) == pytest.approx(quarter)
    assert distance_km(90, 17, 0, -60) == pytest.approx(quarter)
    assert distance_km(0, 179, 0, -179) == pytest.approx(2 * math.pi * 6371 / 180)
    assert distance_km(60, 0, 60, 180) == pytest.approx(math.pi * 6371 / 3)  # over the pole
    assert distance_km(5, 5, 5, 5) == 0
    assert distance_km(45, 0, -45, 180) == pytest.approx(2 * quarter)


def test_nearest_city():
    assert nearest_city(51.5, -0.1) == "London"
    assert nearest_city(51.75, -1.26) is None  # Oxford is 80 km away
    assert nearest_city(51.75, -1.26, within_km=100) == "London"
    assert nearest_city(math.nan, -0.1) is None
    assert nearest_city(0.0, -140.0) is None
    # One degree of latitude is 111.19 km.
    assert nearest_city(51.51 + 0.449, -0.13) == "London"
    assert nearest_city(51.51 + 0.451, -0.13) is None
