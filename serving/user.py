"""The person whose hashtags are asked for."""

import dataclasses
import json
import math
import os
import re
from pathlib import Path
from typing import Any

from tagkeras.errors import UserError

GENDERS = ("female", "male", "other")
MAX_AGE = 150.0


@dataclasses.dataclass(frozen=True, kw_only=True)
class User:
    """What is known of a user; everything may be None, unknown.

    Args:
        age: years, 0 to 150.
        gender: `female`, `male` or `other`.
        country: ISO 3166 alpha-2 code, such as `GB`; case does not matter.
        latitude: of the home town, degrees, -90 to 90; only together with `longitude`.
        longitude: of the home town, degrees, -180 to 180.
        name: for the reader of a table; never sent to a server.

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


def read_users(path: str | os.PathLike[str]) -> list[User]:
    """Reads users from JSON Lines with the fields of `User`, each of which may be null or absent.

    Raises:
        UserError: the file cannot be read, has no user, or a line is no user; names the line.
    """
    try:
        lines = Path(path).read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"cannot read the users of {path}: {error}") from error
    users = []
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            users.append(_user(json.loads(line)))
        except (json.JSONDecodeError, UserError) as error:
            raise UserError(f"{path}, line {number}: {error}") from error
    if not users:
        raise UserError(f"{path} has no users; write one JSON object a line, such as {{}}")
    return users


def _user(fields: Any) -> User:
    if not isinstance(fields, dict):
        raise UserError("not a JSON object")
    known = [field.name for field in dataclasses.fields(User)]
    if unknown := fields.keys() - known:
        raise UserError(f"unknown field {min(unknown)!r}; the fields are {', '.join(known)}")
    return User(**fields)


def _check_range(field: str, value: Any, low: float, high: float) -> None:
    if value is None:
        return
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if not number or not math.isfinite(value) or not low <= value <= high:
        raise UserError(f"{field} {value!r} is no number from {low:g} to {high:g}")
