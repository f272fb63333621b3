"""What the first pass keeps of posts for a dataset: hashtags, facts, and a draw for the split."""

import dataclasses
import functools

import pyarrow as pa

from beam.posts import identities
from beam.posts.fact_columns import to_arrow
from beam.preprocess.config import Config
from tagkeras.data.facts import FactSchema, to_columns
from tagkeras.data.posts import Post
from tagkeras.layers import UserDescriptor


@dataclasses.dataclass
class DatasetColumns:
    """Makes the columns that statistics and records are made of.

    They are `draw` float64 (of `identities.draw_user`), `hashtags` list of strings, and the facts
    by name, places rounded.

    Attributes:
        config: what to make of the posts.
        stop_tags: hashtags that count as if they were not there.
    """

    config: Config
    stop_tags: frozenset[str]

    def __call__(self, posts: list[Post]) -> dict[str, pa.Array]:
        """Arrays with a row for each post, by name."""
        draws = [identities.draw_user(post.user_id, self.config.split_seed) for post in posts]
        hashtags = [[tag for tag in post.hashtags if tag not in self.stop_tags] for post in posts]
        facts = to_columns(posts, self.config.facts)
        location = self._layer.round_location(facts["latitude"], facts["longitude"]).numpy()
        facts["latitude"], facts["longitude"] = location.T
        return {
            "draw": pa.array(draws, "float64"),
            "hashtags": pa.array(hashtags, pa.list_(pa.string())),
            **to_arrow(facts),
        }

    @functools.cached_property
    def _layer(self) -> UserDescriptor:
        return UserDescriptor(FactSchema(location_decimals=self.config.location_decimals))
