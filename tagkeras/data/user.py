"""What is known of a person whose hashtags are asked for."""

import dataclasses
import math
import re
from typing import Any

from tagkeras.cli.errors import UserError

GENDERS = ("female", "male", "other")
MAX_AGE = 150.0


@dataclasses.dataclass(frozen=True, kw_only=True)
class User:
    """What is known of a user; everything may be None, unknown.

    Attributes:
        age: years, 0 to 150.
        gender: `female`, `male` or `other`.
        country: ISO 3166 alpha-2 code, such as `GB`; kept in capital letters.
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
        _check_range("age", self.age, 0.0, MAX_AGE)
        _check_range("latitude", self.latitude, -90.0, 90.0)
        _check_range("longitude", self.longitude, -180.0, 180.0)
        if (self.latitude is None) != (self.longitude is None):
            raise UserError("latitude and longitude go together: give both or neither")
        for field in ("gender", "country", "name"):
            value = getattr(self, field)
            if value is not None and not isinstance(value, str):
                raise UserError(f"{field} {value!r} is no text")
        if self.gender is not None and self.gender not in GENDERS:
            raise UserError(f"gender {self.gender!r} is none of {', '.join(GENDERS)}")
        if self.country is not None:
            if not re.fullmatch("[A-Za-z]{2}", self.country):
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


def _check_range(field: str, value: Any, low: float, high: float) -> None:
    if value is None:
        return
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if not number or not math.isfinite(value) or not low <= value <= high:
        shown = f"{value:g}" if number else repr(value)
        raise UserError(f"{field} {shown} is no number from {low:g} to {high:g}")


UNKNOWN_USER = User()
