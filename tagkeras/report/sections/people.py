"""The same photo, posted by people of other ages, genders and cities."""

import itertools
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from tagkeras.data import input as data_input
from tagkeras.data.cities import default_cities, nearest_city
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
    heads: dict[str, list[tuple[str, Sequence[Any]]]] = {}
    heads["ages and genders"] = [(gender, _AGES) for gender in _GENDERS]
    if len(cities) > 1:
        heads["cities"] = [(city.name, (city.country,)) for city in cities]
    tables: dict[str, dict[str, Any]] = {}
    for what in heads:
        lists = {}
        # Another photo for each table, if there is one.
        used = [table["post_id"] for table in tables.values()]
        for post_id in [p for p in ids if p not in used] or ids:
            author = _author(posts, row_of[post_id])
            others = (
                users_by_city(cities, author)
                if what == "cities"
                else users_by_age_and_gender(_AGES, _GENDERS, author)
            )
            lists[post_id] = counterfactual_lists(
                run.restored, run.manifest, group.vocabulary, descriptors[post_id], others, k
            )
        post_id = max(lists, key=lambda post_id: len(set(itertools.chain(*_tags(lists[post_id])))))
        tables[what] = {
            "post_id": post_id,
            "photo": photos.get(post_id),
            "author": _author(posts, row_of[post_id]),
            "city": nearest_city(*posts.location[row_of[post_id]].tolist()),
            "heads": heads[what],
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


def _author(posts: EvaluatedPosts, row: int) -> User:
    latitude, longitude = posts.location[row].tolist()
    return User(
        age=float(posts.age[row]),
        gender=posts.gender[row],
        country=posts.country[row],
        latitude=latitude,
        longitude=longitude,
    )


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
