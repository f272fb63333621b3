"""The tables of the small world, `tables.txt`, as typed rows."""

import dataclasses
from collections.abc import Iterator
from importlib import resources

from tagkeras.data.hashtags import normalize


@dataclasses.dataclass(frozen=True)
class City:
    """A home town; coordinates in degrees, population in millions."""

    name: str
    country: str
    latitude: float
    longitude: float
    population: float


@dataclasses.dataclass(frozen=True)
class AgeGroup:
    """Ages from `first` up to, not including, `end` years."""

    name: str
    first: int
    end: int
    share: float


@dataclasses.dataclass(frozen=True)
class Gender:
    """A gender, and the word for its people in the table of hashtags."""

    name: str
    word: str
    share: float


@dataclasses.dataclass(frozen=True)
class Thing:
    """Something that pictures show."""

    name: str
    group: str
    popularity: float


@dataclasses.dataclass(frozen=True)
class Row:
    """Hashtags for a thing, or for any picture, by some users.

    Attributes:
        thing: index into `THINGS`, None for any picture.
        who: words for the user; none for everyone.
        hashtags: with their probabilities.
    """

    thing: int | None
    who: frozenset[str]
    hashtags: tuple[tuple[str, float], ...]


def _read_tables() -> dict[str, list[list[str]]]:
    """The cells of each row of `tables.txt`, by the [name] of the table."""
    tables: dict[str, list[list[str]]] = {}
    text = resources.files(__package__).joinpath("tables.txt").read_text(encoding="utf-8")
    for line in text.splitlines():
        if line.startswith("["):
            rows = tables.setdefault(line.strip("[]"), [])
        elif line and not line.startswith("#"):
            rows.append([cell.strip() for cell in line.split("|")])
    return tables


def _pairs(cell: str) -> list[tuple[str, float]]:
    """`a 0.5, b 2` as [("a", 0.5), ("b", 2.0)]."""
    return [(name, float(number)) for name, number in (part.split() for part in cell.split(","))]


_TABLES = _read_tables()
CITIES = tuple(
    City(name, country, float(latitude), float(longitude), float(population))
    for name, country, latitude, longitude, population in _TABLES["cities"]
)
AGE_GROUPS = tuple(
    AgeGroup(name, int(first), int(end), float(share))
    for name, first, end, share in _TABLES["ages"]
)
GENDERS = tuple(Gender(name, word, float(share)) for name, word, share in _TABLES["genders"])
# Facts -> how often a profile leaves each out.
UNKNOWN = {name: float(share) for name, share in _TABLES["unknown"]}
POSTS_PER_USER = float(_TABLES["posts_per_user"][0][0])
THINGS = tuple(
    Thing(name, group, popularity)
    for group, things in _TABLES["pictures"]
    for name, popularity in _pairs(things)
)
# How many things a picture shows -> how often, and the factor on the chances of each.
NUM_THINGS = {
    int(number): (float(share), float(factor)) for number, share, factor in _TABLES["num_things"]
}


def _hashtag_rows() -> Iterator[Row]:
    words = {city.name for city in CITIES} | {city.country for city in CITIES}
    words |= {group.name for group in AGE_GROUPS} | {gender.word for gender in GENDERS}
    for picture, who, cell in _TABLES["hashtags"]:
        fitting: list[int | None] = [
            index for index, thing in enumerate(THINGS) if picture in (thing.name, thing.group)
        ]
        users = frozenset(who.split()) - {"everyone"}
        hashtags = tuple(_pairs(cell))
        if picture == "anything":
            fitting = [None]
        if not fitting or not users <= words:
            raise ValueError(f"tables.txt: unknown word in the row {picture} | {who}")
        for hashtag, probability in hashtags:
            if normalize(hashtag) != hashtag or not 0 < probability < 1:
                raise ValueError(f"tables.txt: bad {hashtag} {probability} in {picture} | {who}")
        for thing in fitting:
            yield Row(thing, users, hashtags)


HASHTAG_ROWS = tuple(_hashtag_rows())
