"""What may be known of a user: each fact's name, limits, parsing and its value for "unknown".

One schema for all who read facts, ask about them or show them. NumPy is imported only where arrays
are made, so that a client may go without.
"""

import abc
import dataclasses
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

GENDERS = ("female", "male", "other")
MAX_AGE = 150
# Beyond that float32 degrees cannot be rounded exactly, and places would be too exact to keep.
MAX_LOCATION_DECIMALS = 4


class FactError(ValueError):
    """A value that a fact cannot have.

    The message does not repeat it: it may end up in `rejected/`, and facts are private.
    """


@dataclasses.dataclass(frozen=True)
class Fact(abc.ABC):
    """A number or a text that may be known of a user.

    Attributes:
        name: of the field in posts, requests and flags.
        reason: code of a post that is rejected for its value, such as `bad_age`.
    """

    name: str
    reason: str

    @property
    def is_text(self) -> bool:
        """Whether it is a text; otherwise a number."""
        return not isinstance(self, NumberFact)

    @property
    def unknown(self) -> float | str:
        """The value that stands for "unknown": "" of a text, NaN of a number."""
        return "" if self.is_text else math.nan

    def parse(self, value: Any) -> float | str:
        """The value to keep; `unknown` of None, NaN and "".

        Raises:
            FactError: this fact cannot have that value.
        """
        if value is None or value != value or value == "":
            return self.unknown
        return self._parse_known(value)

    @abc.abstractmethod
    def _parse_known(self, value: Any) -> float | str:
        """The value to keep of one that is known; `FactError` if there is none."""


@dataclasses.dataclass(frozen=True)
class NumberFact(Fact):
    """A number from `low` to `high`, both included."""

    low: float
    high: float

    def _parse_known(self, value: Any) -> float:
        if not isinstance(value, (int, float)) or isinstance(value, bool):
            raise FactError(f"{self.name} must be a number")
        if not self.low <= value <= self.high:
            raise FactError(f"{self.name} must be from {self.low:g} to {self.high:g}")
        return float(value)


@dataclasses.dataclass(frozen=True)
class GenderFact(Fact):
    """`female` or `male`; any other text is `other`."""

    def _parse_known(self, value: Any) -> str:
        if not isinstance(value, str):
            raise FactError(f"{self.name} must be a string")
        return value if value in GENDERS else "other"


@dataclasses.dataclass(frozen=True)
class CountryFact(Fact):
    """An ISO 3166 alpha-2 code, in either case; kept in capital letters."""

    def _parse_known(self, value: Any) -> str:
        # Upper case alone does not tell: that of a German sharp s is the code of South Sudan.
        if not isinstance(value, str) or not value.isascii() or not is_country(value.upper()):
            raise FactError(f"{self.name} must be two letters (ISO 3166 alpha-2), such as GB")
        return value.upper()


AGE = NumberFact("age", "bad_age", 0, MAX_AGE)
GENDER = GenderFact("gender", "bad_gender")
COUNTRY = CountryFact("country", "bad_country")
LATITUDE = NumberFact("latitude", "bad_coordinates", -90, 90)
LONGITUDE = NumberFact("longitude", "bad_coordinates", -180, 180)
FACTS: tuple[Fact, ...] = (AGE, GENDER, COUNTRY, LATITUDE, LONGITUDE)


@dataclasses.dataclass(frozen=True)
class Facts:
    """The facts that a dataset describes its users by.

    Args:
        countries: ISO 3166 alpha-2 codes, in the order of their values in the descriptor.
        location_decimals: that degrees are rounded to, 0 to 4.

    Raises:
        ValueError: countries that are no codes, or one twice; too many decimals.
    """

    countries: tuple[str, ...] = ()
    location_decimals: int = 1

    def __post_init__(self) -> None:
        object.__setattr__(self, "countries", tuple(self.countries))
        if any(not is_country(country) for country in self.countries):
            raise ValueError(f"countries must be codes such as US, received {self.countries}")
        if len(set(self.countries)) < len(self.countries):
            raise ValueError(f"countries must differ, received {self.countries}")
        if not 0 <= self.location_decimals <= MAX_LOCATION_DECIMALS:
            raise ValueError(
                f"location_decimals must be 0 to {MAX_LOCATION_DECIMALS},"
                f" received {self.location_decimals}"
            )

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "Facts":
        """Undoes `to_dict`; takes the manifest's `user_descriptor`."""
        return cls(tuple(values["countries"]), values["location_decimals"])

    def to_dict(self) -> dict[str, Any]:
        """`countries`, `location_decimals` and `size`, as the manifest keeps them."""
        return {
            "countries": list(self.countries),
            "location_decimals": self.location_decimals,
            "size": self.size,
        }

    @property
    def feature_names(self) -> tuple[str, ...]:
        """What each value of a user descriptor is, in order."""
        countries = (f"country {country}" for country in self.countries)
        return ("age", "gender", *countries, "x", "y", "z")

    @property
    def size(self) -> int:
        """m, the length of a user descriptor."""
        return len(self.feature_names)


def is_country(code: str) -> bool:
    """Whether `code` has the form of ISO 3166 alpha-2: two capital letters."""
    return len(code) == 2 and code.isascii() and code.isalpha() and code.isupper()


def to_columns(
    people: Iterable[Any], facts: Sequence[Fact] = FACTS
) -> "dict[str, np.ndarray[Any, Any]]":
    """The facts of people as the model's inputs.

    Args:
        people: `User`s, `Post`s or whatever has `facts`, values by name; None is unknown.
        facts: to look at.

    Returns:
        For the name of each fact an array [B]: float32 of a number, objects of type `str` of a
        text.
    """
    import numpy as np

    people = list(people)
    columns = {}
    for fact in facts:
        values = [person.facts.get(fact.name) for person in people]
        known = [fact.unknown if value is None else value for value in values]
        columns[fact.name] = np.array(known, object if fact.is_text else np.float32)
    return columns
