"""The countries of the page: their names for its lists and their outlines for its map."""

import dataclasses
import importlib.resources

from tagkeras.data.cities import CITIES

# The map, degrees: all that people live on.
WEST, EAST = -180.0, 180.0
NORTH, SOUTH = 84.0, -57.0


@dataclasses.dataclass(frozen=True)
class Country:
    """A country, or a piece of land that is none of the list.

    Attributes:
        code: ISO 3166 alpha-2; "" for land that belongs to none of the list.
        name: in English.
        outline: an SVG path in tenths of a degree, x from 180 W and y from 84 N; "" if too small.
    """

    code: str
    name: str
    outline: str


def _read() -> tuple[Country, ...]:
    file = importlib.resources.files(__package__) / "countries.tsv"
    rows = [
        line.split("\t")
        for line in file.read_text(encoding="utf-8").splitlines()
        if not line.startswith("#")
    ]
    return tuple(Country(code, name, outline) for code, name, outline in rows)


OUTLINES = _read()
NAMES = {country.code: country.name for country in OUTLINES if country.code}
CITIES_BY_NAME = {city.name: city for city in CITIES}
