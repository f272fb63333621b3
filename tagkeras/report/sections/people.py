"""Section: the same photo, posted by people of other ages, genders and cities."""

import dataclasses
import itertools
import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from tagkeras.data.cities import City, default_cities, nearest_city
from tagkeras.data.manifest import Manifest
from tagkeras.data.user import User
from tagkeras.evaluate.evaluation import EvaluatedPosts
from tagkeras.explain.counterfactuals import (
    RankedHashtags,
    counterfactual_lists,
    own_hashtags,
    users_by_age_and_gender,
    users_by_city,
)
from tagkeras.models.hashtag_model import HashtagModel
from tagkeras.report.figures.looks import label_of
from tagkeras.report.formats import person
from tagkeras.report.material import Material
from tagkeras.report.runs import RunGroup
from tagkeras.report.sample_posts import SamplePost
from tagkeras.report.sections.section import LeftOut, Section
from tagkeras.report.split_records import read_records
from tagkeras.train.restore import restore_model

AGES = (16, 30, 45, 70)
GENDERS = ("female", "male")
SHOWN = 8
# Columns that can be read beside each other.
_MOST_CITIES = 8
_WHAT = ("ages and genders", "cities")
# Posts to choose from where there are no photos.
_POSTS = 8


@dataclasses.dataclass(frozen=True)
class Cell:
    """A hashtag in the list of one person.

    Attributes:
        hashtag: without #.
        kind: `own` if nobody else in the table gets it, `shared` if everybody does, else empty.
    """

    hashtag: str
    kind: str


def build(material: Material) -> Section:
    """Two tables: by age and gender, and by city.

    Raises:
        LeftOut: there is no multiplicative run whose weights and posts are at hand.
    """
    title = "The same photo, other people"
    found = material.multiplicative
    if found is None:
        raise LeftOut(
            title,
            "it takes a run with --model=multiplicative whose workdir and dataset are at hand.",
        )
    manifest = Manifest.load(found.dataset)
    posts = found.run.evaluation.posts
    samples = _samples(material)
    ids = list(samples) or sorted(posts.post_ids)[:_POSTS]
    ids = [post_id for post_id in ids if post_id in set(posts.post_ids)]
    records = read_records(found.dataset, manifest, material.settings.split, ids)
    model = restore_model(found.workdir)
    cities = _cities(manifest.user_descriptor["countries"])
    tables: list[dict[str, Any]] = []
    shown: list[str] = []
    for what in _WHAT if len(cities) > 1 else _WHAT[:1]:
        candidates = []
        # Another photo for each table, if there is one.
        for post_id in [p for p in ids if p not in shown] or ids:
            users = _others(posts, post_id, what, cities)
            descriptor = records.image_descriptors[post_id]
            lists = _lists(model, manifest, found.group, descriptor, users)
            candidates.append((_variety(lists), post_id, lists))
        _, post_id, lists = max(candidates, key=lambda candidate: candidate[0])
        shown.append(post_id)
        tables.append(
            {
                "what": what,
                "post_id": post_id,
                "sample": samples.get(post_id),
                "heads": _heads([ranked.user for ranked in lists]),
                "author": _in_words(_author(posts, post_id, keep="both")),
                "rows": _rows(lists),
            }
        )
    return Section(
        id="people",
        title=title,
        short="People",
        content={
            "tables": tables,
            "run": label_of(found.name),
            "group": found.group,
            "candidates": len(ids),
        },
    )


def _samples(material: Material) -> dict[str, SamplePost]:
    try:
        return {sample.post.post_id: sample for sample in material.samples.posts}
    except LeftOut:
        return {}


def _cities(countries: Sequence[str]) -> list[City]:
    cities = default_cities(countries, per_country=2 if len(countries) < 4 else 1)
    return cities[:_MOST_CITIES]


def _others(posts: EvaluatedPosts, post_id: str, what: str, cities: Sequence[City]) -> list[User]:
    """Whom else the photo is given to; what is not varied stays that of its author."""
    if what == "cities":
        return users_by_city(cities, _author(posts, post_id, keep="person"))
    return users_by_age_and_gender(AGES, GENDERS, _author(posts, post_id, keep="place"))


def _author(posts: EvaluatedPosts, post_id: str, *, keep: str) -> User:
    """What is known of who posted: their `person` (age and gender), their `place`, or `both`."""
    row = posts.post_ids.index(post_id)
    latitude, longitude = posts.location[row].tolist()
    age = float(posts.age[row])
    person: dict[str, Any] = {
        "age": None if math.isnan(age) else age,
        "gender": posts.gender[row] or None,
    }
    place: dict[str, Any] = {"country": posts.country[row] or None}
    if not math.isnan(latitude + longitude):
        place |= {"latitude": latitude, "longitude": longitude}
    return User(**(person if keep != "place" else {}), **(place if keep != "person" else {}))


def _lists(
    model: HashtagModel,
    manifest: Manifest,
    group: RunGroup,
    descriptor: np.ndarray,
    users: Sequence[User],
) -> tuple[RankedHashtags, ...]:
    k = min(SHOWN, len(group.vocabulary))
    return counterfactual_lists(model, manifest, group.vocabulary, descriptor, users, k)


def _variety(lists: Sequence[RankedHashtags]) -> int:
    """How many different hashtags the lists have."""
    return len({tag.hashtag for ranked in lists for tag in ranked.hashtags})


def _rows(lists: Sequence[RankedHashtags]) -> list[list[Cell]]:
    """The lists side by side: a row for each place."""
    own = own_hashtags(lists)
    shared = frozenset.intersection(
        *(frozenset(tag.hashtag for tag in ranked.hashtags) for ranked in lists)
    )
    columns = [
        [
            Cell(
                tag.hashtag,
                "own" if tag.hashtag in alone else "shared" if tag.hashtag in shared else "",
            )
            for tag in ranked.hashtags
        ]
        for ranked, alone in zip(lists, own, strict=True)
    ]
    return [list(row) for row in zip(*columns, strict=True)]


def _in_words(user: User) -> str:
    """Who posted; the city in place of its coordinates."""
    words = person(user.age, user.gender or "", user.country or "")
    if user.latitude is None or user.longitude is None:
        return words
    city = nearest_city(user.latitude, user.longitude)
    return f"{words}, {city}" if city else words


def _heads(users: Sequence[User]) -> list[tuple[str, list[str]]]:
    """What heads the columns: a first line, which neighbours may share, and a second for each."""
    lines = [
        (user.gender or "", "" if user.age is None else f"{user.age:.0f}")
        if user.name == user.person
        else (user.name or "", user.country or "")
        for user in users
    ]
    return [
        (first, [second for _, second in same])
        for first, same in itertools.groupby(lines, key=lambda line: line[0])
    ]
