"""Writes posts with ready descriptors whose hashtags depend on image and user in a known way.

    python -m benchmarks.planted --output=DIR --posts=100000 --descriptor_size=256 --tags=2000

writes `posts.parquet`, in the input format of `beam.preprocess`, and `oracle.parquet`, the ten most
probable hashtags of each post, in the format of `tagkeras.evaluate --oracle`.

The world: an image shows one topic, sometimes a second; its descriptor is a noisy random projection
of them. A hashtag is Zipf-popular and belongs to a topic, to a trait of the user (a country, a
gender, an age group), or to two pairs of both, as #football to one ball in Britain and to another
in the US:

    logit(y | x, u) = log popularity_y + 6 topic_y(x)                  of a topic
                                       + 4 trait_y(u)                  of a trait
                                       + 7 max of topic(x) trait(u)    of pairs

The two traits of such a hashtag exclude each other, so that neither its topics nor its traits alone
tell who uses it.

A post takes 1 + Poisson(1.7) hashtags from the softmax of it, without replacement.
"""

import dataclasses
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from tagkeras.cli.commandline import option, run
from tagkeras.cli.files import written_aside

COUNTRIES = {
    "US": (40.7, -74.0),
    "GB": (51.5, -0.1),
    "CA": (43.7, -79.4),
    "AU": (-33.9, 151.2),
    "NZ": (-36.8, 174.8),
}
GENDERS = ("female", "male")
AGE_GROUPS = ((13, 22), (22, 35), (35, 55), (55, 80))
NUM_TRAITS = len(COUNTRIES) + len(GENDERS) + len(AGE_GROUPS)
POSTS_PER_USER = 4
CHUNK = 5000


@dataclasses.dataclass(frozen=True, kw_only=True)
class Config:
    """The options of this command."""

    output: str = option(help="folder to write posts.parquet and oracle.parquet to")
    posts: int = option(100_000, help="number of posts", minimum=1)
    descriptor_size: int = option(256, help="n", minimum=1)
    tags: int = option(2000, help="number of distinct hashtags", minimum=20)
    topics: int = option(25, help="number of things an image can show", minimum=1)
    noise: float = option(0.6, help="noise of a descriptor, in units of one topic", minimum=0)
    seed: int = option(0, help="seed of everything")


@dataclasses.dataclass(frozen=True)
class PlantedPosts:
    """Posts as arrays, for those who need no files.

    Attributes:
        descriptors: float32 [posts, n].
        users: list of dicts with `user_id`, `age`, `gender`, `country`, `latitude`, `longitude`.
        tags: list of int arrays, ids of hashtags.
        oracle: int [posts, 10], the most probable hashtags, best first.
        probabilities: float [posts, 10], theirs.
    """

    descriptors: np.ndarray
    users: list[dict]
    tags: list[np.ndarray]
    oracle: np.ndarray
    probabilities: np.ndarray


def plant(config: Config) -> PlantedPosts:
    """Draws the posts of a config."""
    rng = np.random.default_rng(config.seed)
    popularity = 1.0 / np.arange(1, config.tags + 1) ** 0.7
    kind = rng.choice(3, size=config.tags, p=[0.25, 0.05, 0.7])  # topic, trait, both
    topic_of_tag = rng.integers(config.topics, size=config.tags)
    trait_of_tag = rng.integers(NUM_TRAITS, size=config.tags)
    other_topic_of_tag = rng.integers(config.topics, size=config.tags)
    other_trait_of_tag = np.array([_draw_other_trait(rng, trait) for trait in trait_of_tag])
    projection = rng.normal(size=(config.topics, config.descriptor_size)).astype(np.float32)

    num_users = -(-config.posts // POSTS_PER_USER)
    users, traits = _draw_users(rng, num_users)
    user_of_post = rng.permutation(np.arange(config.posts) % num_users)
    shown = np.zeros((config.posts, config.topics), np.float32)
    rows = np.arange(config.posts)
    shown[rows, rng.integers(config.topics, size=config.posts)] = 1.0
    second = rng.random(config.posts) < 0.3
    shown[rows[second], rng.integers(config.topics, size=second.sum())] = 1.0
    descriptors = shown @ projection
    descriptors += config.noise * rng.normal(size=descriptors.shape).astype(np.float32)

    tags: list[np.ndarray] = []
    oracle = np.zeros((config.posts, 10), np.int64)
    probabilities = np.zeros((config.posts, 10), np.float32)
    counts = 1 + rng.poisson(1.7, size=config.posts)
    for start in range(0, config.posts, CHUNK):
        chunk = slice(start, start + CHUNK)
        topics, owned = shown[chunk], traits[user_of_post[chunk]]
        has_topic, has_trait = topics[:, topic_of_tag], owned[:, trait_of_tag]
        has_other = topics[:, other_topic_of_tag] * owned[:, other_trait_of_tag]
        has_pair = np.maximum(has_topic * has_trait, has_other)
        bonus = [6 * has_topic, 4 * has_trait, 7 * has_pair]
        logits = np.choose(kind, bonus) + np.log(popularity).astype(np.float32)
        best = np.argsort(-logits, axis=1)[:, :10]
        oracle[chunk] = best
        total = np.log(np.exp(logits).sum(axis=1, keepdims=True))
        probabilities[chunk] = np.exp(np.take_along_axis(logits, best, axis=1) - total)
        keys = logits + rng.gumbel(size=logits.shape)
        most = counts[chunk].max()
        drawn = np.argpartition(-keys, most, axis=1)[:, :most]
        order = np.argsort(-np.take_along_axis(keys, drawn, axis=1), axis=1)
        drawn = np.take_along_axis(drawn, order, axis=1)
        tags += [row[:count] for row, count in zip(drawn, counts[chunk], strict=True)]
    return PlantedPosts(
        descriptors.astype(np.float32),
        [users[user] for user in user_of_post],
        tags,
        oracle,
        probabilities,
    )


def _draw_other_trait(rng: np.random.Generator, trait: int) -> int:
    """Another trait of the same kind: another country, gender or age group."""
    stops = np.cumsum([len(COUNTRIES), len(GENDERS), len(AGE_GROUPS)])
    stop = stops[np.searchsorted(stops, trait, side="right")]
    start = max((s for s in stops if s <= trait), default=0)
    others = [other for other in range(start, stop) if other != trait]
    return int(rng.choice(others))


def _draw_users(rng: np.random.Generator, count: int) -> tuple[list[dict], np.ndarray]:
    """Users, and their traits as float32 [users, NUM_TRAITS]; every tenth fact is unknown."""
    country = rng.integers(len(COUNTRIES), size=count)
    gender = rng.integers(len(GENDERS), size=count)
    group = rng.integers(len(AGE_GROUPS), size=count)
    traits = np.zeros((count, NUM_TRAITS), np.float32)
    rows = np.arange(count)
    traits[rows, country] = 1
    traits[rows, len(COUNTRIES) + gender] = 1
    traits[rows, len(COUNTRIES) + len(GENDERS) + group] = 1
    known = rng.random((count, 3)) < 0.9
    users = []
    for row in range(count):
        age = round(float(rng.uniform(*AGE_GROUPS[group[row]])), 1)
        code, (latitude, longitude) = list(COUNTRIES.items())[country[row]]
        users.append(
            {
                "user_id": f"user{row}",
                "age": age if known[row, 0] else None,
                "gender": GENDERS[gender[row]] if known[row, 1] else None,
                "country": code if known[row, 2] else None,
                "latitude": latitude if known[row, 2] else None,
                "longitude": longitude if known[row, 2] else None,
            }
        )
    return users, traits


def main(config: Config) -> None:
    """Writes the files and says where."""
    posts = plant(config)
    output = Path(config.output)
    post_ids = [f"post{row}" for row in range(config.posts)]
    flat = pa.array(posts.descriptors.ravel())
    table = pa.table(
        {
            "post_id": post_ids,
            "descriptor": pa.FixedSizeListArray.from_arrays(flat, config.descriptor_size).cast(
                pa.list_(pa.float32())
            ),
            "hashtags": [[f"tag{tag}" for tag in tags] for tags in posts.tags],
            **{key: [user[key] for user in posts.users] for key in posts.users[0]},
        }
    )
    oracle = pa.table(
        {
            "post_id": post_ids,
            "hashtags": [[f"tag{tag}" for tag in row] for row in posts.oracle],
            "probabilities": posts.probabilities.tolist(),
        }
    )
    for name, content in (("posts", table), ("oracle", oracle)):
        with written_aside(output / f"{name}.parquet") as aside:
            pq.write_table(content, aside, row_group_size=10_000)
    print(f"wrote {config.posts} posts to {output / 'posts.parquet'}, their best in oracle.parquet")


if __name__ == "__main__":
    run(main, Config)
