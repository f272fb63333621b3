"""What a dataset keeps of posts: users, described and hidden, splits and hashtags."""

import dataclasses
import functools

import numpy as np
import pyarrow as pa
import tensorflow as tf

from beam.posts import identities
from beam.posts.descriptors import to_lists
from beam.preprocess.config import Config
from tagkeras.data.facts import to_columns
from tagkeras.data.posts import Post
from tagkeras.data.records import single_facts
from tagkeras.layers import UserDescriptor

# Users are described so many at a time: sines of other batch sizes may round otherwise, and what
# is written of a post must not depend on its neighbours.
_USERS = 64


@dataclasses.dataclass
class DatasetColumns:
    """Makes the columns that `WriteShard` makes records of.

    They are `split` int8 (index of `SPLITS`), `hashtags` list of strings, those of `single_facts`
    (float or binary), `location` 2 floats and `user_descriptor` m floats.

    Attributes:
        config: what to make of the posts.
        stop_tags: hashtags that count as if they were not there.
    """

    config: Config
    stop_tags: frozenset[str]

    def __call__(self, posts: list[Post]) -> dict[str, pa.Array]:
        """Arrays with a row for each post, by name."""
        hashtags = [[tag for tag in post.hashtags if tag not in self.stop_tags] for post in posts]
        columns = to_columns(posts)
        return {
            "split": pa.array([self._split(post.user_id) for post in posts], "int8"),
            "hashtags": pa.array(hashtags, pa.list_(pa.string())),
            **{
                fact.name: pa.array(columns[fact.name], "binary" if fact.is_text else "float32")
                for fact in single_facts()
            },
            **self._describe_users(columns, len(posts)),
        }

    @functools.cached_property
    def _layer(self) -> UserDescriptor:
        return UserDescriptor(self.config.facts)

    def _describe_users(self, columns: dict[str, np.ndarray], number: int) -> dict[str, pa.Array]:
        size = -(-number // _USERS) * _USERS
        # The first users again fill the last batch up.
        facts = {name: tf.constant(np.resize(column, size)) for name, column in columns.items()}
        location = self._layer.round_location(facts["latitude"], facts["longitude"])
        return {
            "location": to_lists(location.numpy()[:number]),
            "user_descriptor": to_lists(self._layer(facts).numpy()[:number]),
        }

    def _split(self, user_id: str) -> int:
        config = self.config
        return identities.choose_split(
            user_id, config.split_seed, config.validation_fraction, config.test_fraction
        )
