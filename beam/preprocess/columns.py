"""What the first pass keeps of posts for a dataset: hashtags, facts, and a draw for the split."""

import functools

import pyarrow as pa

from beam.posts import identities
from beam.posts.fact_columns import to_arrow
from beam.preprocess.config import Config
from tagkeras.data.facts import FactSchema, to_columns
from tagkeras.data.posts import Post
from tagkeras.layers import UserDescriptor


def make_dataset_columns(
    posts: list[Post], config: Config, stop_tags: frozenset[str]
) -> dict[str, pa.Array]:
    """The columns that statistics and records are made of, with a row for each post.

    They are `draw` float64 (of `identities.draw_user`), `hashtags` list of strings without the stop
    tags, and the facts by name, places rounded.
    """
    draws = [identities.draw_user(post.user_id, config.split_seed) for post in posts]
    hashtags = [[tag for tag in post.hashtags if tag not in stop_tags] for post in posts]
    facts = to_columns(posts, config.facts)
    layer = _layer(config.location_decimals)
    location = layer.round_location(facts["latitude"], facts["longitude"]).numpy()
    facts["latitude"], facts["longitude"] = location.T
    return {
        "draw": pa.array(draws, "float64"),
        "hashtags": pa.array(hashtags, pa.list_(pa.string())),
        **to_arrow(facts),
    }


@functools.cache
def _layer(location_decimals: int) -> UserDescriptor:
    return UserDescriptor(FactSchema(location_decimals=location_decimals))
