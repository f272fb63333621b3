"""Large cities by name, to ask about people there and to name places on maps and in tables."""

import dataclasses
import difflib
import importlib.resources
import math
import unicodedata
from collections.abc import Sequence

from tagkeras.cli.errors import UserError
from tagkeras.data.facts import is_country

EARTH_RADIUS_KM = 6371.0


@dataclasses.dataclass(frozen=True)
class City:
    """A place that people live in.

    Attributes:
        name: as people write it.
        country: ISO 3166 alpha-2, capital letters.
        latitude: degrees, -90 to 90.
        longitude: degrees, -180 to 180.
    """

    name: str
    country: str
    latitude: float
    longitude: float


def _read_table() -> tuple[City, ...]:
    text = importlib.resources.files(__package__).joinpath("cities.tsv").read_text("utf-8")
    rows = (line.split("\t") for line in text.splitlines() if not line.startswith("#"))
    return tuple(City(name, country, float(lat), float(lon)) for name, country, lat, lon in rows)


# Within a country larger cities come first: commands default to the first ones.
CITIES = _read_table()


def find_city(name: str) -> City:
    """The city of the table with a name; case, accents and hyphens make no difference.

    Raises:
        UserError: the table has none; names the nearest spelling.
    """
    by_key = {_key(city.name): city for city in CITIES}
    if city := by_key.get(_key(name)):
        return city
    near = difflib.get_close_matches(_key(name), by_key, n=1)
    hint = f" did you mean {by_key[near[0]].name}?" if near else ""
    raise UserError(
        f"city {name!r} is not in the table of {len(CITIES)}:{hint}"
        " give any other as Name/COUNTRY/latitude/longitude, such as Leeds/GB/53.8/-1.55"
    )


def parse_city(text: str) -> City:
    """A city by a name of the table, or written out as `Name/COUNTRY/latitude/longitude`.

    Raises:
        UserError: it is neither.
    """
    if "/" not in text:
        return find_city(text)
    parts = [part.strip() for part in text.split("/")]
    form = "Name/COUNTRY/latitude/longitude, such as Leeds/GB/53.8/-1.55"
    try:
        name, country, latitude, longitude = parts[0], parts[1].upper(), *map(float, parts[2:])
    except (ValueError, IndexError) as error:
        raise UserError(f"city {text!r} is not {form}") from error
    if not name:
        raise UserError(f"city {text!r} has no name: write {form}")
    if not parts[1].isascii() or not is_country(country):
        raise UserError(f"city {text!r}: {parts[1]!r} is no ISO 3166 alpha-2 code, such as GB")
    if not abs(latitude) <= 90:  # NaN is not either
        raise UserError(f"city {text!r}: latitude {parts[2]} is not between -90 and 90")
    if not abs(longitude) <= 180:
        raise UserError(f"city {text!r}: longitude {parts[3]} is not between -180 and 180")
    return City(name, country, latitude, longitude)


def default_cities(countries: Sequence[str], per_country: int = 2) -> list[City]:
    """The largest cities of the table in some countries, in their order."""
    return [
        city
        for country in countries
        for city in [city for city in CITIES if city.country == country][:per_country]
    ]


def nearest_city(latitude: float, longitude: float, within_km: float = 50.0) -> str | None:
    """The name of the nearest city of the table to a place in degrees, along the ground.

    None if none is near, or the place is unknown (NaN).
    """
    if not (math.isfinite(latitude) and math.isfinite(longitude)):
        return None
    distances = {
        city.name: distance_km(latitude, longitude, city.latitude, city.longitude)
        for city in CITIES
    }
    name = min(distances, key=distances.__getitem__)
    return name if distances[name] <= within_km else None


def distance_km(
    latitude: float, longitude: float, to_latitude: float, to_longitude: float
) -> float:
    """The great-circle distance of two places given in degrees, by the haversine formula."""
    phi, to_phi = math.radians(latitude), math.radians(to_latitude)
    half_chord = (
        math.sin((to_phi - phi) / 2) ** 2
        + math.cos(phi)
        * math.cos(to_phi)
        * math.sin(math.radians(to_longitude - longitude) / 2) ** 2
    )
    return 2 * EARTH_RADIUS_KM * math.asin(math.sqrt(min(1.0, half_chord)))


def _key(name: str) -> str:
    """A name without what people write differently."""
    letters = unicodedata.normalize("NFKD", name.casefold())
    plain = "".join(letter for letter in letters if not unicodedata.combining(letter))
    return " ".join(plain.replace("-", " ").split())
