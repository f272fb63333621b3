"""The same photo, posted by people of other ages, genders and cities."""

import itertools
import math
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from tagkeras.data import input as data_input
from tagkeras.data.cities import City, default_cities, nearest_city
from tagkeras.data.manifest import Manifest
from tagkeras.data.user import User
from tagkeras.evaluate.evaluation import EvaluatedPosts
from tagkeras.explain.counterfactuals import (
    RankedHashtags,
    counterfactual_lists,
    users_by_age_and_gender,
    users_by_city,
)
from tagkeras.report.inputs import Inputs, Omitted
from tagkeras.report.sections.samples import samples_of

_AGES = (16, 30, 45, 70)
_GENDERS = ("female", "male")
_HASHTAGS = 8
_MAX_CITIES = 8
# Posts to choose from where there are no photos.
_POSTS = 8


def build(inputs: Inputs) -> dict[str, Any]:
    """Two tables: by age and gender, and by city.

    Each shows the post, of those looked at, whose lists have the most different hashtags.

    Raises:
        Omitted: there is no multiplicative run whose folders are there.
    """
    group, name = inputs.find_user_model()
    run = group.runs[name]
    assert run.dataset is not None
    assert run.manifest is not None
    try:
        photos = {post.post_id: (post, photo) for post, photo in samples_of(inputs).posts}
    except Omitted:
        photos = {}
    posts = run.evaluation.posts
    row_of = {post_id: row for row, post_id in enumerate(posts.post_ids)}
    ids = [post_id for post_id in photos or sorted(row_of)[:_POSTS] if post_id in row_of]
    descriptors = _read_descriptors(run.dataset, run.manifest, inputs.config.split, ids)
    countries = run.manifest.user_descriptor["countries"]
    cities = default_cities(countries, per_country=2 if len(countries) < 4 else 1)[:_MAX_CITIES]
    k = min(_HASHTAGS, len(group.vocabulary))
    tables: dict[str, dict[str, Any]] = {}
    for what in ("ages and genders", "cities")[: 2 if len(cities) > 1 else 1]:
        lists = {}
        # Another photo for each table, if there is one.
        used = [table["post_id"] for table in tables.values()]
        for post_id in [p for p in ids if p not in used] or ids:
            others = _others(posts, row_of[post_id], cities if what == "cities" else None)
            lists[post_id] = counterfactual_lists(
                run.restored, run.manifest, group.vocabulary, descriptors[post_id], others, k
            )
        post_id = max(lists, key=lambda post_id: len(set(itertools.chain(*_tags(lists[post_id])))))
        row = row_of[post_id]
        tables[what] = {
            "post_id": post_id,
            "photo": photos.get(post_id),
            "age": float(posts.age[row]),
            "gender": posts.gender[row],
            "country": posts.country[row],
            "city": nearest_city(*posts.location[row].tolist()),
            "heads": _heads([ranked.user for ranked in lists[post_id]]),
            "rows": _rows(_tags(lists[post_id])),
        }
    return {"tables": tables, "run": name, "candidates": len(ids)}


def _read_descriptors(
    dataset: Path, manifest: Manifest, split: str, post_ids: Collection[str]
) -> dict[str, np.ndarray]:
    """Reads the image descriptors of some posts of a split: float32 [n] by post id."""
    found: dict[str, np.ndarray] = {}
    with data_input.named_errors(dataset):
        for batch in data_input.read_split(dataset, manifest, split, batch_size=1024):
            for row, post_id in enumerate(batch["post_id"].numpy()):
                if post_id.decode() in post_ids:
                    found[post_id.decode()] = batch["descriptor"][row].numpy().astype(np.float32)
    return found


def _others(posts: EvaluatedPosts, row: int, cities: Sequence[City] | None) -> list[User]:
    """Who else the photo is given to: people in `cities`, or of other ages and genders.

    What is not varied stays that of the author.
    """
    if cities is not None:
        age = float(posts.age[row])
        known_age = None if math.isnan(age) else age
        return users_by_city(cities, User(age=known_age, gender=posts.gender[row] or None))
    place: dict[str, Any] = {"country": posts.country[row] or None}
    latitude, longitude = posts.location[row].tolist()
    if not math.isnan(latitude + longitude):
        place |= {"latitude": latitude, "longitude": longitude}
    return users_by_age_and_gender(_AGES, _GENDERS, User(**place))


def _tags(lists: Sequence[RankedHashtags]) -> list[list[str]]:
    return [[tag.hashtag for tag in ranked.hashtags] for ranked in lists]


def _rows(columns: Sequence[Sequence[str]]) -> list[list[tuple[str, str]]]:
    """The lists side by side: in each row, hashtags and how many lists have them.

    That is `own` for one list, `shared` for all, else "".
    """
    kinds = {1: "own", len(columns): "shared"}
    everything = [tag for column in columns for tag in column]
    return [
        [(tag, kinds.get(everything.count(tag), "")) for tag in row]
        for row in zip(*columns, strict=True)
    ]


def _heads(users: Sequence[User]) -> list[tuple[str, list[str]]]:
    """The heads of the columns: a first line, which neighbours may share, and a second for each."""
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
