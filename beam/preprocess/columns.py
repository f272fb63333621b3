"""What a dataset keeps of posts: users, described and hidden, splits and hashtags."""

import dataclasses

import numpy as np
import pyarrow as pa
import tensorflow as tf

from beam.posts import identities
from beam.posts.parse import PostColumns, to_lists
from tagkeras.data.facts import Facts
from tagkeras.data.posts import Post
from tagkeras.layers.user_descriptor import UserDescriptor

# Users are described so many at a time: sines of other batch sizes may round otherwise, and what
# is written of a post must not hang on its neighbours.
_USERS = 64


@dataclasses.dataclass(kw_only=True)
class DatasetColumns(PostColumns):
    """The columns that `WriteShard` makes records of.

    They are `split` int8 (index of `SPLITS`), `hashtags` list of strings, `age` float, `gender` and
    `country` binary, `location` 2 floats and `user_descriptor` m floats.

    Attributes:
        countries: of the user descriptor.
        location_decimals: of the user descriptor.
        split_seed: chooses the users of the splits.
        validation_fraction: of users.
        test_fraction: of users.
        stop_tags: hashtags that count as if they were not there.
    """

    countries: tuple[str, ...]
    location_decimals: int
    split_seed: int
    validation_fraction: float
    test_fraction: float
    stop_tags: frozenset[str] = frozenset()
    _layer: UserDescriptor | None = dataclasses.field(default=None, init=False, repr=False)

    def setup(self) -> None:
        """Makes the layer that describes users."""
        self._layer = UserDescriptor(Facts(self.countries, self.location_decimals))

    def make(self, posts: list[Post]) -> dict[str, pa.Array]:
        """Arrays with a row for each post, by name."""
        hashtags = [post.hashtags for post in posts]
        if self.stop_tags:
            hashtags = [
                tuple(tag for tag in tags if tag not in self.stop_tags) for tags in hashtags
            ]
        return {
            "split": pa.array([self._split(post.user_id) for post in posts], "int8"),
            "hashtags": pa.array(hashtags, pa.list_(pa.string())),
            "age": pa.array(np.array([post.age for post in posts], np.float32)),
            "gender": pa.array([post.gender for post in posts], "binary"),
            "country": pa.array([post.country for post in posts], "binary"),
            **self._describe_users(posts),
        }

    def _describe_users(self, posts: list[Post]) -> dict[str, pa.Array]:
        padding = -len(posts) % _USERS
        floats = {
            name: tf.constant([getattr(post, name) for post in posts] + [0.0] * padding, tf.float32)
            for name in ("age", "latitude", "longitude")
        }
        texts = {
            name: tf.constant([getattr(post, name) for post in posts] + [""] * padding, tf.string)
            for name in ("gender", "country")
        }
        assert self._layer is not None
        location = self._layer.round_location(floats["latitude"], floats["longitude"])
        described = self._layer({**floats, **texts})
        return {
            "location": to_lists(location.numpy()[: len(posts)]),
            "user_descriptor": to_lists(described.numpy()[: len(posts)]),
        }

    def _split(self, user_id: str) -> int:
        return identities.choose_split(
            user_id, self.split_seed, self.validation_fraction, self.test_fraction
        )
