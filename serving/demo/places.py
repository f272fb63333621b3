"""Where a person lives, kept sound while country, city and map are changed one at a time."""

import dataclasses
import math
from typing import Any

from serving.demo.countries import CITIES_BY_NAME, NAMES
from tagkeras.data.cities import nearest_city

SNAP_KM = 200.0


@dataclasses.dataclass(frozen=True, kw_only=True)
class Place:
    """A country and a home town; each may be unknown.

    Attributes:
        country: ISO 3166 alpha-2; "" is unknown.
        latitude: of the home town, degrees; None is unknown.
        longitude: of the home town, degrees; None is unknown.
    """

    country: str = ""
    latitude: float | None = None
    longitude: float | None = None

    @property
    def city(self) -> str:
        """The city of the list that the home town is, or lies near; "" if there is none."""
        if self.latitude is None or self.longitude is None:
            return ""
        return nearest_city(self.latitude, self.longitude) or ""

    @property
    def words(self) -> str:
        """Such as `London, United Kingdom`; "" if nothing is known."""
        town = self.city
        if not town and self.latitude is not None and self.longitude is not None:
            town = _degrees(self.latitude, "NS") + " " + _degrees(self.longitude, "EW")
        return ", ".join(filter(None, (town, NAMES.get(self.country, self.country))))

    def to_map(self) -> dict[str, Any]:
        """What the map shows, and what it says to those who do not see it."""
        return {**dataclasses.asdict(self), "words": self.words or "unknown"}


def from_map(shown: Any) -> Place:
    """The point that was clicked, and the country around it; a browser may send anything."""
    if not isinstance(shown, dict):
        return Place()
    country, latitude, longitude = (shown.get(key) for key in ("country", "latitude", "longitude"))
    if not isinstance(country, str) or country not in NAMES:
        country = ""
    if not _is_degrees(latitude, 90) or not _is_degrees(longitude, 180):
        return Place(country=country)
    return Place(country=country, latitude=latitude, longitude=longitude)


def clicked(shown: Any) -> Place:
    """The place of a click: the city of the list if it was meant, or else the very point.

    On a small screen a pixel is a degree, so a city is meant within `SNAP_KM`. The arrow keys can
    be exact, and are taken so.
    """
    place = from_map(shown)
    if place.latitude is None or place.longitude is None or shown.get("exact"):
        return place
    near = nearest_city(place.latitude, place.longitude, within_km=SNAP_KM)
    return place if near is None else in_city(near, place)


def click_number(shown: Any) -> int:
    """Which click of the map it is, as the map counts them; 0 for none."""
    number = shown.get("click") if isinstance(shown, dict) else None
    return number if isinstance(number, int) else 0


def in_city(name: str, before: Place) -> Place:
    """A city of the list; without a name only the country of `before` stays known."""
    city = CITIES_BY_NAME.get(name)
    if city is None:
        return Place(country=before.country)
    return Place(country=city.country, latitude=city.latitude, longitude=city.longitude)


def in_country(code: str | None, before: Place) -> Place:
    """A country; the home town of `before` stays if it is a city of the list there."""
    city = CITIES_BY_NAME.get(before.city)
    if code and city is not None and city.country == code:
        return dataclasses.replace(before, country=code)
    return Place(country=code or "")


def _is_degrees(value: Any, limit: float) -> bool:
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return number and math.isfinite(value) and abs(value) <= limit


def _degrees(value: float, letters: str) -> str:
    return f"{abs(value):.1f}° {letters[value < 0]}"
