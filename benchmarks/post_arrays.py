"""Posts as arrays in memory, for benchmarks that train without files."""

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from benchmarks import planted
from tagkeras.data.facts import FactSchema
from tagkeras.layers import UserDescriptor

USER_DESCRIPTOR_SIZE = 10
TOPICS = 50
CHUNK = 4096


@dataclasses.dataclass(frozen=True)
class PostArrays:
    """Posts with ready descriptors.

    Attributes:
        descriptors: float32 [posts, n], of length 1.
        user_descriptors: float32 [posts, m].
        tags: list of int arrays, ids of the hashtags of each post.
    """

    descriptors: np.ndarray
    user_descriptors: np.ndarray
    tags: list[np.ndarray]

    def __len__(self) -> int:
        return len(self.tags)

    def __getitem__(self, rows: slice) -> "PostArrays":
        return PostArrays(self.descriptors[rows], self.user_descriptors[rows], self.tags[rows])


def draw_posts(posts: int, descriptor_size: int, num_tags: int) -> PostArrays:
    """Posts of one hashtag each, quickly drawn for any size of the vocabulary.

    An image shows one of 50 topics, its descriptor is a noisy projection of it, and its hashtag is
    one of the topic's, Zipf-popular. The users are noise.
    """
    rng = np.random.default_rng(0)
    topics = min(TOPICS, num_tags)
    topic = rng.integers(topics, size=posts)
    popularity = 1.0 / np.arange(1, num_tags // topics + 1) ** 0.7
    rank = rng.choice(len(popularity), size=posts, p=popularity / popularity.sum())
    projection = rng.standard_normal((topics, descriptor_size), np.float32)
    descriptors = projection[topic]
    for start in range(0, posts, CHUNK):
        some = descriptors[start : start + CHUNK]
        some += np.float32(0.6) * rng.standard_normal(some.shape, np.float32)
    users = rng.random((posts, USER_DESCRIPTOR_SIZE), np.float32)
    return PostArrays(normalised(descriptors), users, list((rank * topics + topic)[:, None]))


def describe_planted(posts: planted.PlantedPosts) -> PostArrays:
    """The posts of `benchmarks.planted` with their users described as preprocessing does."""

    def column(name: str, unknown: str | float) -> tf.Tensor:
        return tf.constant([unknown if user[name] is None else user[name] for user in posts.users])

    nan = float("nan")
    users = UserDescriptor(FactSchema(tuple(planted.COUNTRIES)))(
        {
            **{name: column(name, nan) for name in ("age", "latitude", "longitude")},
            **{name: column(name, "") for name in ("gender", "country")},
        }
    )
    return PostArrays(normalised(posts.descriptors), users.numpy(), posts.tags)


def to_sparse(tags: Sequence[np.ndarray], num_tags: int) -> Any:
    """Lists of ids as a sparse float32 matrix of SciPy, [posts, Y], 1 where a post has a tag."""
    from scipy import sparse

    ids = np.concatenate(tags).astype(np.int32)
    starts = np.cumsum([0, *map(len, tags)], dtype=np.int32)
    return sparse.csr_matrix((np.ones(len(ids), np.float32), ids, starts), (len(tags), num_tags))


def normalised(descriptors: np.ndarray) -> np.ndarray:
    """Rows of length 1, as the first layer of every model makes them; in place."""
    descriptors /= np.maximum(np.linalg.norm(descriptors, axis=1, keepdims=True), 1e-12)
    return descriptors
