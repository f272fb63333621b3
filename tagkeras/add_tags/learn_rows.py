"""Learns rows for new tags, with the embedding and the rows of all other tags as they are."""

from typing import NamedTuple

import numpy as np
import tensorflow as tf

from tagkeras.add_tags.embedded_posts import EmbeddedPosts
from tagkeras.losses import rank_weight
from tagkeras.optimizers import RowAdagrad
from tagkeras.train.model import INITIAL_ACCUMULATOR

# Known tags that stand for all of them, and the most pairs of a step.
POOL = 2**13
_NEW_PAIRS, _KNOWN_PAIRS = 512, 4096
# Violators of an example that count in full: about as many hashtags as people are shown.
TOP = 10
# Posts that are scored at once.
_CHUNK = 1024


class Pool(NamedTuple):
    """Known tags that stand for all Y of them.

    Attributes:
        rows: float32 [N, d].
        column: int64 [Y], the place of each known tag in the pool, -1 for the others.
    """

    rows: np.ndarray
    column: np.ndarray

    @classmethod
    def draw(cls, table: np.ndarray, size: int, rng: np.random.Generator) -> "Pool":
        """`size` different tags of a table [Y, d], or all, if there are no more."""
        num_tags = len(table)
        ids = rng.choice(num_tags, size, replace=False) if size < num_tags else np.arange(num_tags)
        column = np.full(num_tags, -1, np.int64)
        column[ids] = np.arange(len(ids))
        return cls(table[ids], column)

    @property
    def tags_per_row(self) -> float:
        """Y / N: how many known tags each tag of the pool stands for."""
        return len(self.column) / len(self.rows)

    def own(self, tags: list[list[int]]) -> np.ndarray:
        """Which tags of the pool some posts have, bool [posts, N]."""
        own = np.zeros((len(tags), len(self.rows)), bool)
        for row, ids in enumerate(tags):
            columns = self.column[[tag for tag in ids if tag < len(self.column)]]
            own[row, columns[columns >= 0]] = True
        return own


def learn_rows(
    table: np.ndarray,
    num_new: int,
    examples: EmbeddedPosts,
    background: EmbeddedPosts,
    *,
    share: float,
    steps: int,
    learning_rate: float,
    margin: float,
    max_norm: float | None,
    seed: int,
) -> np.ndarray:
    """Minimises the hinges of WARP as they are expected, in the new rows alone.

    For a post and a positive tag, WARP draws one of the M tags that violate the margin, each with
    the same chance, and weighs its hinge by L(M). Here the expectation of that is taken in place of
    draws: L(M) / M times the sum of the violators' hinges, M and the sum estimated from a pool of
    known tags. New tags stand in pairs of two kinds:

    - as the positive of their examples, against known tags and the other new ones. Here L(M) is M
      up to `TOP` violators and stays there: with the harmonic sum, each of the first ranks pulls
      less than the one before, and an example below two or three tags weighs too little;
    - as a negative of known positives, of background posts without the tag. These keep a tag from
      ranking high everywhere. The positives of a post share its weight, or it would stand against
      the tag as often as it has tags, and an example for it once.

    `share` says how many posts of the one kind there are to one of the other, which the examples do
    not tell. A row starts as the mean direction of its examples' phi, as long as known rows are on
    average.

    Args:
        table: float32 [Y, d], the rows of known tags.
        num_new: T; the ids of new tags are Y to Y + T - 1, and each is on an example.
        examples: posts with new and known tags.
        background: other posts, and examples as they are without the other new tags.
        share: of posts that are expected to have a new tag, in (0, 1).
        steps: of Adagrad, at a rate that falls to 0.
        learning_rate: of the first step.
        margin: of the hinge.
        max_norm: of a row; None for no bound.
        seed: of everything drawn.

    Returns:
        float32 [T, d]. The same on one machine for the same arguments.
    """
    rng = np.random.default_rng(seed)
    pool = Pool.draw(table, POOL, rng)
    new_post, new_tag = find_new_pairs(examples.tags, len(table))
    own_pool, own_new = pool.own(examples.tags), np.zeros((len(examples.tags), num_new), bool)
    own_new[new_post, new_tag] = True
    known_post, threshold, known_weight = find_known_pairs(background, table, pool, margin)
    own_of_post = np.zeros((len(background.tags), num_new), bool)
    own_of_post[find_new_pairs(background.tags, len(table))] = True

    # The positives of a tag weigh 1, its negatives as many posts as there are to one with the tag.
    new_weight = (1 / np.bincount(new_tag, minlength=num_new))[new_tag].astype(np.float32)
    known_weight /= np.bincount(known_post)[known_post]
    known_weight *= np.float32((1 / share - 1) / len(background.tags))
    rows = tf.Variable(_initial_rows(examples.phi, own_new, pool, max_norm))
    optimizer = RowAdagrad(learning_rate, initial_accumulator_value=INITIAL_ACCUMULATOR)
    optimizer.build(rows)

    @tf.function
    def take_step(new_batch: tuple[tf.Tensor, ...], known_batch: tuple[tf.Tensor, ...]) -> None:
        with tf.GradientTape() as tape:
            loss = new_pairs_loss(rows, pool, margin, *new_batch)
            loss += known_pairs_loss(rows, *known_batch)
        gradient = tape.gradient(loss, rows)
        optimizer.apply(rows, None, tf.convert_to_tensor(gradient), max_norm=max_norm)

    for step in range(steps):
        optimizer.learning_rate.assign(learning_rate * (1 - step / steps))
        a, scale = _draw(rng, len(new_tag), _NEW_PAIRS)
        post = new_post[a]
        new_batch = (examples.phi[post], new_tag[a], own_pool[post], own_new[post])
        b, known_scale = _draw(rng, len(known_post), _KNOWN_PAIRS)
        known_batch = (background.phi[known_post[b]], threshold[b], own_of_post[known_post[b]])
        take_step(
            tuple(map(tf.constant, (*new_batch, new_weight[a] * scale))),
            tuple(map(tf.constant, (*known_batch, known_weight[b] * known_scale))),
        )
    return rows.numpy()


def find_new_pairs(tags: list[list[int]], num_known: int) -> tuple[np.ndarray, np.ndarray]:
    """The E pairs of an example and a new tag t of it, whose id is `num_known` + t.

    Returns:
        Their examples, int64 [E], and their tags t, int64 [E].
    """
    pairs = [(post, tag - num_known) for post, ids in enumerate(tags) for tag in ids]
    post, tag = np.array([pair for pair in pairs if pair[1] >= 0], np.int64).reshape(-1, 2).T
    return post, tag


def find_known_pairs(
    posts: EmbeddedPosts, table: np.ndarray, pool: Pool, margin: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The R pairs of a post and a known tag of it, for a table [Y, d].

    Returns:
        Their posts, int64 [R]; f(y+) - margin, float32 [R], above which a new tag violates; and
        L(M + 1) / (M + 1), float32 [R], for the M known tags that violate as well, estimated from
        the pool: the expected weight of one of M + 1 violators.
    """
    found = []
    for start in range(0, len(posts.tags), _CHUNK):
        phi, tags = posts.phi[start : start + _CHUNK], posts.tags[start : start + _CHUNK]
        known = [[tag for tag in ids if tag < len(table)] for ids in tags]
        post = np.repeat(np.arange(len(known)), [len(ids) for ids in known])
        tag = np.array([tag for ids in known for tag in ids], np.int64)
        scores = phi @ pool.rows.T
        scores[pool.own(known)] = -np.inf
        threshold = np.einsum("rd,rd->r", phi[post], table[tag]) - margin
        violators = np.sum(scores[post] > threshold[:, np.newaxis], axis=1) * pool.tags_per_row
        rank = np.rint(violators).astype(np.int64) + 1
        found.append((post + start, threshold, rank_weight(rank).numpy() / rank))
    post, threshold, weight = (np.concatenate(parts) for parts in zip(*found, strict=True))
    return post, threshold.astype(np.float32), weight.astype(np.float32)


def new_pairs_loss(
    rows: tf.Variable,
    pool: Pool,
    margin: float,
    phi: tf.Tensor,
    tag: tf.Tensor,
    own_pool: tf.Tensor,
    own_new: tf.Tensor,
    weight: tf.Tensor,
) -> tf.Tensor:
    """The weighted sum over pairs with a new tag, [E], of their violators' hinges.

    Of a pair with more than `TOP` violators, these have the weight of `TOP` together.
    """
    score = tf.reduce_sum(phi * tf.gather(rows, tag), axis=1, keepdims=True)
    known = tf.nn.relu(margin - score + tf.matmul(phi, pool.rows, transpose_b=True))
    new = tf.nn.relu(margin - score + tf.matmul(phi, rows, transpose_b=True))
    known, new = tf.where(own_pool, 0.0, known), tf.where(own_new, 0.0, new)

    def over_tags(known: tf.Tensor, new: tf.Tensor) -> tf.Tensor:
        return pool.tags_per_row * tf.reduce_sum(known, axis=1) + tf.reduce_sum(new, axis=1)

    violators = tf.stop_gradient(tf.maximum(over_tags(tf.sign(known), tf.sign(new)), 1.0))
    return tf.reduce_sum(weight * tf.minimum(1.0, TOP / violators) * over_tags(known, new))


def known_pairs_loss(
    rows: tf.Variable, phi: tf.Tensor, threshold: tf.Tensor, own: tf.Tensor, weight: tf.Tensor
) -> tf.Tensor:
    """What new tags are expected to add to the WARP loss of pairs with a known tag, [R]."""
    hinges = tf.nn.relu(tf.matmul(phi, rows, transpose_b=True) - threshold[:, tf.newaxis])
    return tf.reduce_sum(weight * tf.reduce_sum(tf.where(own, 0.0, hinges), axis=1))


def _initial_rows(
    phi: np.ndarray, own_new: np.ndarray, pool: Pool, max_norm: float | None
) -> np.ndarray:
    """The mean direction of each tag's examples, as long as known rows are: float32 [T, d]."""
    directions = phi / np.maximum(np.linalg.norm(phi, axis=1, keepdims=True), 1e-12)
    means = own_new.T.astype(np.float32) @ directions
    length = np.linalg.norm(pool.rows, axis=1).mean()
    length = length if max_norm is None else min(length, max_norm)
    return means * (length / np.maximum(np.linalg.norm(means, axis=1, keepdims=True), 1e-12))


def _draw(rng: np.random.Generator, size: int, most: int) -> tuple[np.ndarray, np.float32]:
    """Different places of `size`, `most` at most, and how many of all each of them stands for."""
    if size <= most:
        return np.arange(size), np.float32(1)
    return rng.choice(size, most, replace=False), np.float32(size / most)
