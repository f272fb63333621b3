"""What may be known of a user: each fact's name, limits, parsing and its value for "unknown".

One schema for all who read facts, ask about them or show them. NumPy is imported only where arrays
are made, so that a client may go without.
"""

import abc
import dataclasses
import functools
import itertools
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    import numpy as np

GENDERS = ("female", "male", "other")
MAX_AGE = 150
# Beyond that float32 degrees cannot be rounded exactly, and places would be too exact to keep.
MAX_LOCATION_DECIMALS = 4
# Values of a category that a dataset tells apart, at most, and characters of one.
MAX_CATEGORY_VALUES, MAX_CATEGORY_LENGTH = 1000, 200
_MAX_NUMBER = 3.4e38  # of float32
# Standard deviations that a number of one's own is clipped to.
MAX_DEVIATION = 5
# A fact names a field, a feature of records, an input of signatures and a column of tables, where
# these names mean something else.
_RESERVED = (
    "post_id|user_id|user|name|more|image|image_bytes|is_path|descriptor|user_descriptor|hashtags?|tags"
    "|scores|tags_removed|out_of_vocabulary|location|place|inputs|pixels|num_truth|model|row_key"
    "|post_digest|split|reason|detail"
)
_FACT_NAME = re.compile(rf"(?!({_RESERVED})$)[A-Za-z][A-Za-z0-9_]{{0,63}}")


class FactError(ValueError):
    """A value that a fact cannot have.

    The message does not repeat it: it may end up in `rejected/`, and facts are private.
    """


@dataclasses.dataclass(frozen=True)
class Fact(abc.ABC):
    """A number or a text that may be known of a user, in posts, requests and flags by its name."""

    name: str

    @property
    def reason(self) -> str:
        """Code of a post that is rejected for its value, such as `bad_age`."""
        return f"bad_{'coordinates' if self in (LATITUDE, LONGITUDE) else self.name}"

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
        return self.unknown if is_missing(value) else self._parse_known(value)

    def parse_text(self, text: str) -> float | str:
        """As `parse`, of a value in the form of a text, as flags give it."""
        if self.is_text or not text.strip():
            return self.parse(text.strip())
        try:
            number = float(text)
        except ValueError as error:
            raise FactError(f"{self.name} must be a number") from error
        return self.parse(number)

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
class CategoryFact(Fact):
    """One of a number of texts, whose form is free; whole numbers and booleans count as texts."""

    def _parse_known(self, value: Any) -> str:
        if isinstance(value, bool):
            return str(value).lower()
        if isinstance(value, int) or (isinstance(value, float) and value.is_integer()):
            return str(int(value))  # pandas makes floats of whole numbers with gaps
        if not isinstance(value, str) or not is_utf8(value):
            raise FactError(f"{self.name} must be a string")
        if len(value) > MAX_CATEGORY_LENGTH:
            raise FactError(f"{self.name} must have at most {MAX_CATEGORY_LENGTH} characters")
        return value


@dataclasses.dataclass(frozen=True)
class CountryFact(CategoryFact):
    """An ISO 3166 alpha-2 code, in either case; kept in capital letters."""

    def _parse_known(self, value: Any) -> str:
        # Upper case alone does not tell: that of a German sharp s is the code of South Sudan.
        if not isinstance(value, str) or not value.isascii() or not is_country(value.upper()):
            raise FactError(f"{self.name} must be two letters (ISO 3166 alpha-2), such as GB")
        return value.upper()


AGE = NumberFact("age", 0, MAX_AGE)
GENDER = GenderFact("gender")
COUNTRY = CountryFact("country")
LATITUDE = NumberFact("latitude", -90, 90)
LONGITUDE = NumberFact("longitude", -180, 180)
# The facts that every dataset has.
FACTS: tuple[Fact, ...] = (AGE, GENDER, COUNTRY, LATITUDE, LONGITUDE)
# The two coordinates as one fact, as a table of facts or of columns names it.
PLACE = "place"


def make_facts(categories: Iterable[str] = (), numbers: Iterable[str] = ()) -> tuple[Fact, ...]:
    """`FACTS`, and categories and numbers of one's own, by their names.

    Raises:
        ValueError: a name that no fact can have, or one twice.
    """
    own: list[Fact] = [CategoryFact(name) for name in categories]
    own += [NumberFact(name, -_MAX_NUMBER, _MAX_NUMBER) for name in numbers]
    taken = {fact.name for fact in FACTS}
    for fact in own:
        if not _FACT_NAME.fullmatch(fact.name):
            raise ValueError(
                f"{fact.name!r} cannot name a fact: use ASCII letters, digits and _, beginning with"
                " a letter, and no field that posts have"
            )
        if fact.name in taken:
            raise ValueError(f"{fact.name!r} names two facts")
        taken.add(fact.name)
    return (*FACTS, *own)


class Columns(NamedTuple):
    """The columns of a user descriptor that tell one fact.

    Attributes:
        fact: its name; `PLACE` of the coordinates.
        start: the first column.
        names: what each column is, such as `country GB`.
        unknown: the value of these columns for "unknown".
    """

    fact: str
    start: int
    names: tuple[str, ...]
    unknown: float

    @property
    def stop(self) -> int:
        """The column after the last."""
        return self.start + len(self.names)

    @property
    def fields(self) -> tuple[str, ...]:
        """The fields of posts that the fact is told by: the two coordinates of the place."""
        return (LATITUDE.name, LONGITUDE.name) if self.fact == PLACE else (self.fact,)

    @property
    def title(self) -> str:
        """What people call the fact."""
        return "home town" if self.fact == PLACE else self.fact


@dataclasses.dataclass(frozen=True)
class FactSchema:
    """The facts that a dataset describes its users by.

    Args:
        countries: ISO 3166 alpha-2 codes, in the order of their values in the descriptor.
        location_decimals: that degrees are rounded to, 0 to 4.
        categories: the values that each category of one's own tells apart, by its name.
        numbers: mean and standard deviation of each number of one's own, by its name.

    Raises:
        ValueError: countries that are no codes, values twice, too many decimals, a name that no
            fact can have, or a deviation that is not above 0.
    """

    countries: tuple[str, ...] = ()
    location_decimals: int = 1
    categories: Mapping[str, tuple[str, ...]] = dataclasses.field(default_factory=dict)
    numbers: Mapping[str, tuple[float, float]] = dataclasses.field(default_factory=dict)

    def __post_init__(self) -> None:
        object.__setattr__(self, "countries", tuple(self.countries))
        for name in ("categories", "numbers"):  # of JSON: lists
            tuples = {key: tuple(value) for key, value in getattr(self, name).items()}
            object.__setattr__(self, name, tuples)
        if any(not is_country(country) for country in self.countries):
            raise ValueError(f"countries must be codes such as US, received {self.countries}")
        for name, values in {"countries": self.countries, **self.categories}.items():
            if len(set(values)) < len(values):
                raise ValueError(f"{name} must differ, received {values}")
        if not 0 <= self.location_decimals <= MAX_LOCATION_DECIMALS:
            raise ValueError(
                f"location_decimals must be 0 to {MAX_LOCATION_DECIMALS},"
                f" received {self.location_decimals}"
            )
        if any(not std > 0 for _, std in self.numbers.values()):
            raise ValueError(f"standard deviations must be above 0, received {self.numbers}")
        _ = self.facts

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "FactSchema":
        """Undoes `to_dict`; takes the manifest's `user_descriptor`."""
        return cls(
            values["countries"],
            values["location_decimals"],
            values.get("categories", {}),
            values.get("numbers", {}),
        )

    def to_dict(self) -> dict[str, Any]:
        """The arguments and `size`, as JSON: what the manifest keeps."""
        return {
            "countries": list(self.countries),
            "location_decimals": self.location_decimals,
            "categories": {name: list(values) for name, values in self.categories.items()},
            "numbers": {name: list(scale) for name, scale in self.numbers.items()},
            "size": self.size,
        }

    @functools.cached_property
    def facts(self) -> tuple[Fact, ...]:
        """All facts: `FACTS` first, then the categories, then the numbers of one's own."""
        return make_facts(self.categories, self.numbers)

    @property
    def values(self) -> dict[str, tuple[str, ...]]:
        """The values that each category tells apart, the country among them, by its name."""
        return {COUNTRY.name: self.countries, **self.categories}

    @functools.cached_property
    def columns(self) -> tuple[Columns, ...]:
        """The columns of a user descriptor, fact by fact, in order."""
        parts: list[tuple[str, tuple[str, ...], float]] = [
            (AGE.name, (AGE.name,), 0.5),
            (GENDER.name, (GENDER.name,), 0.0),
            (COUNTRY.name, tuple(f"country {country}" for country in self.countries), 0.0),
            (PLACE, ("x", "y", "z"), 0.5),
            *((n, tuple(f"{n} {value}" for value in vs), 0.0) for n, vs in self.categories.items()),
            *((name, (name,), 0.0) for name in self.numbers),
        ]
        starts = itertools.accumulate((len(names) for _, names, _ in parts), initial=0)
        return tuple(
            Columns(fact, start, names, unknown)
            for (fact, names, unknown), start in zip(parts, starts, strict=False)
        )

    @property
    def unknown(self) -> tuple[float, ...]:
        """The user descriptor of one of whom nothing is known."""
        return tuple(columns.unknown for columns in self.columns for _ in columns.names)

    @property
    def feature_names(self) -> tuple[str, ...]:
        """What each value of a user descriptor is, in order."""
        return tuple(name for columns in self.columns for name in columns.names)

    @property
    def size(self) -> int:
        """m, the length of a user descriptor."""
        return self.columns[-1].stop


def is_country(code: str) -> bool:
    """Whether `code` has the form of ISO 3166 alpha-2: two capital letters."""
    return len(code) == 2 and code.isascii() and code.isalpha() and code.isupper()


def is_missing(value: Any) -> bool:
    """Whether a field says nothing: None, NaN or ""."""
    return value is None or value != value or value == ""


def to_columns(
    people: Iterable[Any], facts: Sequence[Fact] = FACTS
) -> "dict[str, np.ndarray[Any, Any]]":
    """Some facts of people, who have `facts` as `User`s do: values by name; None is unknown.

    They are the model's inputs: for the name of each fact an array [B], float32 of a number,
    objects of type `str` of a text.
    """
    import numpy as np

    people = list(people)
    columns = {}
    for fact in facts:
        values = [person.facts.get(fact.name) for person in people]
        known = [fact.unknown if value is None else value for value in values]
        columns[fact.name] = np.array(known, object if fact.is_text else np.float32)
    return columns


def is_utf8(value: str) -> bool:
    """Whether UTF-8 can encode it: not with lone surrogates."""
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True
