"""What is known of a person whose hashtags are asked for."""

import dataclasses
from collections.abc import Mapping
from typing import Any

from tagkeras.cli.errors import UserError
from tagkeras.data.facts import FACTS, GENDERS, Fact, FactError, make_facts


@dataclasses.dataclass(frozen=True, kw_only=True)
class User:
    """What is known of a user; everything may be None, unknown.

    Attributes:
        age: years, 0 to 150.
        gender: `female`, `male` or `other`.
        country: ISO 3166 alpha-2 code, such as `GB`; kept in capital letters.
        latitude: of the home town, degrees, -90 to 90; only together with `longitude`.
        longitude: of the home town, degrees, -180 to 180.
        more: facts of a dataset's own, by name: texts of categories, numbers of numbers.
        name: for the reader of a table; no model sees it.

    Raises:
        UserError: a value out of range, an unknown gender, half a location, or a name that no fact
            can have.
    """

    age: float | None = None
    gender: str | None = None
    country: str | None = None
    latitude: float | None = None
    longitude: float | None = None
    more: Mapping[str, float | str] = dataclasses.field(default_factory=dict)
    name: str | None = None

    def __post_init__(self) -> None:
        if self.gender not in (None, "", *GENDERS):
            raise UserError(f"gender must be one of {', '.join(GENDERS)}, got {self.gender!r}")
        for fact in FACTS:
            object.__setattr__(self, fact.name, _parse(fact, getattr(self, fact.name)))
        texts = [name for name, value in self.more.items() if isinstance(value, str)]
        try:
            facts = make_facts(texts, [name for name in self.more if name not in texts])
        except ValueError as error:
            raise UserError(str(error)) from error
        more = {fact.name: _parse(fact, self.more[fact.name]) for fact in facts[len(FACTS) :]}
        object.__setattr__(self, "more", {n: v for n, v in more.items() if v is not None})
        if (self.latitude is None) != (self.longitude is None):
            raise UserError("latitude and longitude go together: give both or neither")
        if self.name is not None and not isinstance(self.name, str):
            raise UserError(f"name must be a string, got {self.name!r}")

    @property
    def facts(self) -> dict[str, float | str | None]:
        """What is known, by the names of facts; None is unknown."""
        return {**{fact.name: getattr(self, fact.name) for fact in FACTS}, **self.more}

    def but(self, facts: Mapping[str, float | str | None]) -> "User":
        """The user, without the name, as if some facts were otherwise; None is unknown."""
        usual = {fact.name: facts[fact.name] for fact in FACTS if fact.name in facts}
        more = {name: value for name, value in facts.items() if name not in usual}
        changed: dict[str, Any] = {**usual, "more": {**self.more, **more}, "name": None}
        return dataclasses.replace(self, **changed)

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
        more = ", ".join(
            f"{name} {value}" if isinstance(value, str) else f"{name} {value:.10g}"
            for name, value in self.more.items()
        )
        known = ", ".join(word for word in (self.person, self.place, more) if word)
        return self.name or known or "unknown user"


def _parse(fact: Fact, value: float | str | None) -> float | str | None:
    try:
        parsed = fact.parse(value)
    except FactError as error:
        raise UserError(f"{error}, got {value!r}") from error
    return parsed if parsed == parsed and parsed != "" else None


UNKNOWN_USER = User()
