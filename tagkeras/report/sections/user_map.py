"""Section: a map of the user vectors, and how visible each fact about users is in it."""

import dataclasses
from collections.abc import Sequence

import numpy as np

from tagkeras.cli.errors import UserError
from tagkeras.data.manifest import Manifest
from tagkeras.evaluate.evaluation import EvaluatedPosts
from tagkeras.evaluate.groups import name_age_groups
from tagkeras.report import user_map
from tagkeras.report.figure_files import PageFigure
from tagkeras.report.figures.looks import label_of
from tagkeras.report.figures.places import name_places
from tagkeras.report.figures.user_maps import draw_user_map_by_age, draw_user_map_by_category
from tagkeras.report.material import Material
from tagkeras.report.sections.section import LeftOut, Section
from tagkeras.report.split_records import read_records
from tagkeras.train.restore import restore_model

_TITLE = "Map of the users"

_FIRST_CAPTION = (
    "One point a user. Where colours lie apart, the model tells such users apart; where they mix,"
    " it does not. Distances between far points mean little in such a map."
)


@dataclasses.dataclass(frozen=True)
class Visibility:
    """How visible a fact is in the user vectors.

    Attributes:
        fact: such as `country`.
        share: of a user's ten nearest neighbours that are of the same value, mean over users.
        expected: the same if vectors had nothing to do with it.
        users: who say it.
    """

    fact: str
    share: float
    expected: float
    users: int


def build(material: Material) -> Section:
    """Four maps with the same points, and a table.

    Raises:
        LeftOut: there is no multiplicative run, or there are too few users.
    """
    found = material.multiplicative
    if found is None:
        raise LeftOut(
            _TITLE,
            "only multiplicative runs have user vectors; it takes one whose workdir and dataset"
            " are at hand.",
        )
    run, manifest = found.run, Manifest.load(found.dataset)
    records = read_records(found.dataset, manifest, material.settings.split)
    num_users = len(records.user_ids)
    chosen = user_map.sample_users(num_users, material.settings.map_users)
    model = restore_model(found.workdir)
    vectors = model.embedding.embed_user(records.user_descriptors[chosen]).numpy()
    try:
        points = user_map.user_map(vectors)
    except ValueError as error:
        raise LeftOut(_TITLE, f"{error}.") from error
    facts = _facts(run.evaluation.posts, records.first_posts[chosen])
    age = run.evaluation.posts.age[records.first_posts[chosen]]
    return Section(
        id="users",
        title=_TITLE,
        short="Users",
        content={
            "figures": _figures(material, points, age, facts),
            "visibility": _visibility(vectors, age, facts),
            "radius": _radius(vectors, age),
            "run": label_of(found.name),
            "group": found.group,
            "num_users": num_users,
            "num_shown": len(chosen),
            "size": vectors.shape[1],
        },
    )


def _facts(posts: EvaluatedPosts, rows: np.ndarray) -> dict[str, list[str]]:
    """What the users say of themselves, empty if they do not."""
    return {
        "gender": [posts.gender[row] for row in rows],
        "country": [posts.country[row] for row in rows],
        "city": name_places(posts.location[rows]),
    }


def _figures(
    material: Material, points: np.ndarray, age: np.ndarray, facts: dict[str, list[str]]
) -> list[PageFigure]:
    drawn = {}
    if np.isfinite(age).any():
        drawn["age"] = draw_user_map_by_age(points, age)
    for fact, values in facts.items():
        if any(values):
            drawn[fact] = draw_user_map_by_category(points, values, fact)
    first = next(iter(drawn), "")
    return [
        material.figures.add(
            figure,
            f"users-{fact}",
            shows=f"map of user vectors, coloured by {fact}",
            caption=_FIRST_CAPTION if fact == first else f"The same points by {fact}.",
        )
        for fact, figure in drawn.items()
    ]


def _visibility(
    vectors: np.ndarray, age: np.ndarray, facts: dict[str, list[str]]
) -> list[Visibility]:
    values: dict[str, Sequence[str]] = {"age group": name_age_groups(age), **facts}
    rows = []
    for fact, words in values.items():
        try:
            found = user_map.neighbour_agreement(vectors, words)
        except (ValueError, UserError):
            continue  # too few say it: no row for it
        rows.append(Visibility(fact, found.share, found.expected, found.users))
    return rows


def _radius(vectors: np.ndarray, age: np.ndarray) -> user_map.Correlation | None:
    try:
        return user_map.radius_correlation(vectors, age, center="origin")
    except ValueError:
        return None
