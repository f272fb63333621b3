"""The hashtags of one photo, had it been posted by others."""

import dataclasses
from collections.abc import Sequence

import numpy as np
import tensorflow as tf

from tagkeras.data.cities import City
from tagkeras.data.facts import to_columns
from tagkeras.data.manifest import Manifest
from tagkeras.data.user import UNKNOWN_USER, User
from tagkeras.data.vocabulary import Vocabulary
from tagkeras.layers import UserDescriptor
from tagkeras.models import HashtagModel


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


def users_by_age_and_gender(
    ages: Sequence[float | None], genders: Sequence[str | None], user: User = UNKNOWN_USER
) -> list[User]:
    """A user of each gender and age in years, one gender after the other, otherwise as `user`.

    Raises:
        UserError: an age out of range, or an unknown gender.
    """
    users = [user.but({"age": age, "gender": gender}) for gender in genders for age in ages]
    return [dataclasses.replace(one, name=one.person) for one in users]


def users_by_city(cities: Sequence[City], user: User = UNKNOWN_USER) -> list[User]:
    """A user in each city, otherwise as `user`."""
    return [dataclasses.replace(user, **dataclasses.asdict(city)) for city in cities]


def users_by_value(category: str, values: Sequence[str], user: User = UNKNOWN_USER) -> list[User]:
    """A user of each value of a category, otherwise as `user`."""
    return [dataclasses.replace(user.but({category: value}), name=value) for value in values]
