"""What is known of a person whose hashtags are asked for."""

import dataclasses
import math
from typing import Any

from tagkeras.data.posts import GENDERS, MAX_AGE, OTHER_GENDER
from tagkeras.errors import UserError
from tagkeras.layers.user_descriptor import is_country


@dataclasses.dataclass(frozen=True, kw_only=True)
class User:
    """What is known of a user; everything may be None, unknown.

    Attributes:
        age: years, 0 to 150.
        gender: `female`, `male` or `other`.
        country: ISO 3166 alpha-2 code; kept in capital letters.
        latitude: of the home town, degrees, -90 to 90; only together with `longitude`.
        longitude: of the home town, degrees, -180 to 180.
        name: for the reader of a table; no model sees it.

    Raises:
        UserError: a value out of range, an unknown gender, or half a location.
    """

    age: float | None = None
    gender: str | None = None
    country: str | None = None
    latitude: float | None = None
    longitude: float | None = None
    name: str | None = None

    def __post_init__(self) -> None:
        _check_range("age", self.age, 0, MAX_AGE)
        _check_range("latitude", self.latitude, -90, 90)
        _check_range("longitude", self.longitude, -180, 180)
        if (self.latitude is None) != (self.longitude is None):
            raise UserError("latitude and longitude go together: give both or neither")
        genders = (*sorted(GENDERS), OTHER_GENDER)
        if self.gender is not None and self.gender not in genders:
            raise UserError(f"gender {self.gender!r} is none of {', '.join(genders)}")
        if self.country is not None:
            if not self.country.isascii() or not is_country(self.country.upper()):
                raise UserError(
                    f"country {self.country!r} is no ISO 3166 alpha-2 code, such as US or GB"
                )
            object.__setattr__(self, "country", self.country.upper())

    @property
    def person(self) -> str:
        """Gender and age in words, as far as they are known; "" if neither is."""
        if self.age is None:
            return self.gender or ""
        return f"{self.gender}, {self.age:g}" if self.gender else f"age {self.age:g}"

    @property
    def place(self) -> str:
        """Country and home town in words, as far as they are known; "" if neither is."""
        home = None if self.latitude is None else f"{self.latitude:.4g} {self.longitude:.4g}"
        return ", ".join(word for word in (self.country, home) if word)

    @property
    def label(self) -> str:
        """The name, or without one what is known, or "unknown user"."""
        known = ", ".join(word for word in (self.person, self.place) if word)
        return self.name or known or "unknown user"

    def to_json(self) -> dict[str, Any]:
        """The fields by name; None is unknown."""
        return dataclasses.asdict(self)


def _check_range(field: str, value: float | None, low: float, high: float) -> None:
    if value is not None and not (math.isfinite(value) and low <= value <= high):
        raise UserError(f"{field} {value:g} is not between {low:g} and {high:g}")


UNKNOWN_USER = User()
