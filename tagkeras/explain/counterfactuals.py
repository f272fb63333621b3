"""The hashtags of one photo, had it been posted by others."""

import dataclasses
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from tagkeras.data.cities import City, default_cities
from tagkeras.data.facts import to_columns
from tagkeras.data.manifest import Manifest
from tagkeras.data.user import UNKNOWN_USER, User
from tagkeras.data.vocabulary import Vocabulary
from tagkeras.layers import UserDescriptor
from tagkeras.models import HashtagModel

# Who is compared by default: categories and values of each, at most.
AGES, GENDERS = (16.0, 30.0, 45.0, 70.0), ("female", "male")
MOST_CATEGORIES, MOST_VALUES = 3, 5


@dataclasses.dataclass(frozen=True)
class ScoredHashtag:
    """A hashtag, without #, and f(x, u, y) of it."""

    hashtag: str
    score: np.float32


@dataclasses.dataclass(frozen=True)
class RankedHashtags:
    """The hashtags that a photo gets for a user, best first."""

    user: User
    hashtags: tuple[ScoredHashtag, ...]


def counterfactual_lists(
    model: HashtagModel,
    manifest: Manifest,
    vocabulary: Vocabulary,
    descriptor: np.ndarray,
    users: Sequence[User],
    k: int,
) -> tuple[RankedHashtags, ...]:
    """The k best hashtags of one photo for each user, as `HashtagModel.top_k` ranks them.

    The photo's descriptor is float [n]; the vocabulary has k hashtags or more.
    """
    if not users:
        return ()
    scores, ids = model.top_k(embed_for_users(model, manifest, descriptor, users), k)
    return tuple(
        RankedHashtags(
            user,
            tuple(
                ScoredHashtag(vocabulary.tags[tag_id], score)
                for tag_id, score in zip(row_ids, row_scores, strict=True)
            ),
        )
        for user, row_ids, row_scores in zip(users, ids.numpy(), scores.numpy(), strict=True)
    )


def embed_for_users(
    model: HashtagModel, manifest: Manifest, descriptor: np.ndarray, users: Sequence[User]
) -> tf.Tensor:
    """Phi of one photo, float [n], as each of U users would post it: float32 [U, d]."""
    inputs = {
        "descriptor": np.tile(descriptor.astype(np.float32), (len(users), 1)),
        "user_descriptor": describe_users(users, manifest),
    }
    return model(inputs, training=False)


def describe_users(users: Sequence[User], manifest: Manifest) -> np.ndarray:
    """User descriptors, float32 [U, m], as those of a dataset's posts were made."""
    facts = manifest.facts
    return UserDescriptor(facts)(to_columns(users, facts.facts)).numpy()


class People(NamedTuple):
    """Users who differ in something that a model looks at: gender and age, city, a category."""

    by_person: list[User]
    by_city: list[User]
    by_value: dict[str, list[User]]


def choose_people(
    manifest: Manifest,
    user: User = UNKNOWN_USER,
    *,
    ages: Sequence[float] = AGES,
    genders: Sequence[str] = GENDERS,
    cities: Sequence[City] | None = None,
    categories: Sequence[str] | None = None,
) -> People:
    """People to compare, in all else like `user`.

    Facts that the model ignores are as the user's. By default the cities are of the dataset's most
    frequent countries, and there is no category of which the cities tell the same.

    Raises:
        UserError: an age out of range, or an unknown gender.
    """
    telling, values = {fact.name for fact in manifest.telling_facts}, manifest.telling_values
    by_person = []
    if ages and genders and {"age", "gender"} & telling:
        by_person = [
            user.but({"age": age, "gender": gender})
            for gender in (genders if "gender" in telling else [user.gender])
            for age in (ages if "age" in telling else [user.age])
        ]
    if cities is None:
        cities = default_cities(manifest.facts.countries[:MOST_VALUES])
        cities = cities if "latitude" in telling else []
    elif not {"country", "latitude"} & telling:
        cities = []
    if categories is None:
        categories = [name for name in values if name != "country" or not cities][:MOST_CATEGORIES]
    by_value = {name: values[name][:MOST_VALUES] for name in categories if name in values}
    return People(
        [dataclasses.replace(one, name=one.person) for one in by_person],
        [dataclasses.replace(user, **dataclasses.asdict(city)) for city in cities],
        {
            name: [dataclasses.replace(user.but({name: value}), name=value) for value in kept]
            for name, kept in by_value.items()
        },
    )
