"""The same photo, posted by people of other ages, genders, cities and other facts."""

import itertools
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from tagkeras.data import input as data_input
from tagkeras.data.cities import nearest_city
from tagkeras.data.manifest import Manifest
from tagkeras.data.user import UNKNOWN_USER, User
from tagkeras.evaluate.evaluation import EvaluatedPosts
from tagkeras.explain.counterfactuals import RankedHashtags, choose_people, counterfactual_lists
from tagkeras.report.inputs import Inputs, Omitted
from tagkeras.report.sections.samples import samples_of

_HASHTAGS = 8
# Posts to choose from where there are no photos.
_POSTS = 8


def build(inputs: Inputs) -> dict[str, Any]:
    """A table for each way to compare people.

    Each shows the post, of those looked at, whose lists have the most different hashtags.
    """
    group, name = inputs.find_user_model()
    run = group.runs[name]
    assert run.dataset is not None
    assert run.manifest is not None
    if not run.manifest.telling_facts:
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
    for what in _others(run.manifest, UNKNOWN_USER):
        lists = {}
        # Another photo for each table, if there is one.
        used = [table["post_id"] for table in tables.values()]
        for post_id in [p for p in ids if p not in used] or ids:
            others = _others(run.manifest, _author(posts, row_of[post_id]))[what]
            lists[post_id] = counterfactual_lists(
                run.restored, run.manifest, group.vocabulary, descriptors[post_id], others, k
            )
        post_id = max(lists, key=lambda post_id: len(set(itertools.chain(*_tags(lists[post_id])))))
        row = row_of[post_id]
        tables[what] = {
            "post_id": post_id,
            "photo": photos.get(post_id),
            "author": _author(posts, row),
            "city": nearest_city(posts.facts["latitude"][row], posts.facts["longitude"][row]),
            "heads": [ranked.user.label for ranked in lists[post_id]],
            "rows": _rows(_tags(lists[post_id])),
        }
    return {"tables": tables, "run": name, "candidates": len(ids), "ignored": run.ignored_facts}


def _others(manifest: Manifest, author: User) -> dict[str, Sequence[User]]:
    """Whom to compare with who posted a photo, by what they differ in."""
    people = choose_people(manifest, author)
    by_value = {f"values of {name}": users for name, users in people.by_value.items()}
    tables = {"ages and genders": people.by_person, "cities": people.by_city, **by_value}
    return {what: users for what, users in tables.items() if users}


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
