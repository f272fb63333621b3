"""The same photo, posted by people of other ages, genders, cities and other facts."""

import functools
import itertools
from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from tagkeras.data import input as data_input
from tagkeras.data.cities import default_cities, nearest_city
from tagkeras.data.manifest import Manifest
from tagkeras.data.user import UNKNOWN_USER, User
from tagkeras.evaluate.evaluation import EvaluatedPosts
from tagkeras.explain.counterfactuals import (
    RankedHashtags,
    counterfactual_lists,
    users_by_age_and_gender,
    users_by_city,
    users_by_value,
)
from tagkeras.report.inputs import Inputs, Omitted
from tagkeras.report.sections.samples import samples_of

_AGES = (16, 30, 45, 70)
_GENDERS = ("female", "male")
_HASHTAGS = 8
_MAX_CITIES = _MAX_VALUES = 8
_MAX_CATEGORIES = 3
# Posts to choose from where there are no photos.
_POSTS = 8


class Comparison(NamedTuple):
    """People to compare: columns under their headings, two rows of them, and who they are."""

    heads: list[tuple[str, tuple[Any, ...]]]
    people: Callable[[User], Sequence[User]]  # of the user who posted a photo


def build(inputs: Inputs) -> dict[str, Any]:
    """A table for each way to compare people.

    Each shows the post, of those looked at, whose lists have the most different hashtags.

    Raises:
        Omitted: there is no multiplicative run whose folders are there, or it ignores all facts.
    """
    group, name = inputs.find_user_model()
    run = group.runs[name]
    assert run.dataset is not None
    assert run.manifest is not None
    comparisons = choose_comparisons(run.manifest)
    if not comparisons:
        raise Omitted("training posts tell no users apart: everybody is given the same.")
    try:
        photos = {post.post_id: (post, photo) for post, photo in samples_of(inputs).posts}
    except Omitted:
        photos = {}
    posts = run.evaluation.posts
    row_of = {post_id: row for row, post_id in enumerate(posts.post_ids)}
    ids = [post_id for post_id in photos or sorted(row_of)[:_POSTS] if post_id in row_of]
    descriptors = _read_descriptors(run.dataset, run.manifest, inputs.config.split, ids)
    k = min(_HASHTAGS, len(group.vocabulary))
    tables: dict[str, dict[str, Any]] = {}
    for what, comparison in comparisons.items():
        lists = {}
        # Another photo for each table, if there is one.
        used = [table["post_id"] for table in tables.values()]
        for post_id in [p for p in ids if p not in used] or ids:
            others = comparison.people(_author(posts, row_of[post_id]))
            lists[post_id] = counterfactual_lists(
                run.restored, run.manifest, group.vocabulary, descriptors[post_id], others, k
            )
        post_id = max(lists, key=lambda post_id: len(set(itertools.chain(*_tags(lists[post_id])))))
        tables[what] = {
            "post_id": post_id,
            "photo": photos.get(post_id),
            "author": _author(posts, row_of[post_id]),
            "city": nearest_city(*posts.location[row_of[post_id]].tolist()),
            "heads": comparison.heads,
            "rows": _rows(_tags(lists[post_id])),
        }
    return {
        "tables": tables,
        "run": name,
        "candidates": len(ids),
        "ignored": run.ignored_facts,
    }


def choose_comparisons(manifest: Manifest) -> dict[str, Comparison]:
    """By age and gender, by city, and by value of a category, as far as a model looks at them."""
    telling, values = {fact.name for fact in manifest.telling_facts}, manifest.telling_values
    found: dict[str, Comparison] = {}
    ages = _AGES if "age" in telling else ()
    genders = _GENDERS if "gender" in telling else ()
    if ages or genders:
        heads: list[tuple[str, tuple[Any, ...]]] = [
            (gender, ages or ("",)) for gender in genders or ("",)
        ]
        by_person = functools.partial(_by_age_and_gender, ages, genders)
        words = ["ages"] * bool(ages) + ["genders"] * bool(genders)
        found[" and ".join(words)] = Comparison(heads, by_person)
    countries = values.get("country", ())
    per_country = 2 if len(countries) < 4 else 1
    cities = default_cities(countries, per_country)[:_MAX_CITIES] if "latitude" in telling else []
    if len(cities) > 1:
        heads = [(city.name, (city.country,)) for city in cities]
        found["cities"] = Comparison(heads, functools.partial(users_by_city, cities))
    categories = [name for name in values if name != "country" or len(cities) < 2]
    for name in categories[:_MAX_CATEGORIES]:
        words = list(values[name][:_MAX_VALUES])
        by_value = functools.partial(users_by_value, name, words)
        found[f"values of {name}"] = Comparison([(word, ("",)) for word in words], by_value)
    return found


def _by_age_and_gender(
    ages: Sequence[float], genders: Sequence[str], author: User
) -> Sequence[User]:
    return users_by_age_and_gender(ages or (author.age,), genders or (author.gender,), author)


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
    return UNKNOWN_USER.but(
        {name: values[row : row + 1].tolist()[0] for name, values in posts.facts.items()}
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
