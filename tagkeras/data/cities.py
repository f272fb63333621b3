"""Large cities by name, to ask about people there and to name places on maps and in tables."""

import dataclasses
import difflib
import math
import unicodedata
from collections.abc import Sequence

from tagkeras.cli.errors import UserError
from tagkeras.data.facts import is_country

EARTH_RADIUS_KM = 6371.0

# Name, country (ISO 3166 alpha-2), latitude and longitude (degrees). Of a country, larger ones
# first: the defaults of commands are the first ones.
_TABLE = """
New York      | US |  40.71 |  -74.01
Los Angeles   | US |  34.05 | -118.24
Chicago       | US |  41.88 |  -87.63
Houston       | US |  29.76 |  -95.37
Seattle       | US |  47.61 | -122.33
Denver        | US |  39.74 | -104.98
Boston        | US |  42.36 |  -71.06
Miami         | US |  25.76 |  -80.19
London        | GB |  51.51 |   -0.13
Birmingham    | GB |  52.48 |   -1.90
Glasgow       | GB |  55.86 |   -4.25
Manchester    | GB |  53.48 |   -2.24
Cardiff       | GB |  51.48 |   -3.18
Toronto       | CA |  43.65 |  -79.38
Montreal      | CA |  45.50 |  -73.57
Calgary       | CA |  51.05 | -114.07
Vancouver     | CA |  49.28 | -123.12
Halifax       | CA |  44.65 |  -63.58
Sydney        | AU | -33.87 |  151.21
Melbourne     | AU | -37.81 |  144.96
Brisbane      | AU | -27.47 |  153.03
Perth         | AU | -31.95 |  115.86
Adelaide      | AU | -34.93 |  138.60
Auckland      | NZ | -36.85 |  174.76
Christchurch  | NZ | -43.53 |  172.64
Wellington    | NZ | -41.29 |  174.78
Dublin        | IE |  53.35 |   -6.26
Paris         | FR |  48.86 |    2.35
Berlin        | DE |  52.52 |   13.40
Madrid        | ES |  40.42 |   -3.70
Rome          | IT |  41.90 |   12.50
Stockholm     | SE |  59.33 |   18.07
Istanbul      | TR |  41.01 |   28.98
Cairo         | EG |  30.04 |   31.24
Lagos         | NG |   6.52 |    3.38
Nairobi       | KE |  -1.29 |   36.82
Johannesburg  | ZA | -26.20 |   28.05
Dubai         | AE |  25.20 |   55.27
Mumbai        | IN |  19.08 |   72.88
Delhi         | IN |  28.61 |   77.21
Singapore     | SG |   1.35 |  103.82
Hong Kong     | HK |  22.32 |  114.17
Manila        | PH |  14.60 |  120.98
Seoul         | KR |  37.57 |  126.98
Tokyo         | JP |  35.68 |  139.69
São Paulo     | BR | -23.55 |  -46.63
Buenos Aires  | AR | -34.60 |  -58.38
Mexico City   | MX |  19.43 |  -99.13
"""


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


def _read_table(table: str) -> tuple[City, ...]:
    rows = [[cell.strip() for cell in line.split("|")] for line in table.strip().splitlines()]
    return tuple(City(name, country, float(lat), float(lon)) for name, country, lat, lon in rows)


CITIES = _read_table(_TABLE)


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
    """The largest cities of the table in some countries; none of a country that it lacks.

    Args:
        countries: ISO 3166 alpha-2, in the order wanted.
        per_country: of each at most.
    """
    return [
        city
        for country in countries
        for city in [city for city in CITIES if city.country == country][:per_country]
    ]


def nearest_city(latitude: float, longitude: float, within_km: float = 50.0) -> str | None:
    """The name of the nearest city of the table.

    Args:
        latitude: degrees; may be NaN, unknown.
        longitude: degrees; may be NaN, unknown.
        within_km: how far it may be, along the ground.

    Returns:
        None if none is that near, or the place is unknown.
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
