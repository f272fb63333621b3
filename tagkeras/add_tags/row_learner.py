"""Learns rows for new tags, with the embedding and the rows of all other tags as they are."""

import dataclasses

import numpy as np
import tensorflow as tf

from tagkeras.add_tags.embedded_posts import EmbeddedPosts
from tagkeras.add_tags.pairs import KnownPairs, NewPairs, Pool
from tagkeras.losses import rank_weight
from tagkeras.optimizers import RowAdagrad
from tagkeras.train.settings import INITIAL_ACCUMULATOR

# Known tags that stand for all of them, and the most pairs of a step.
POOL = 2**13
_NEW_PAIRS, _KNOWN_PAIRS = 512, 4096


@dataclasses.dataclass(frozen=True, kw_only=True)
class Learning:
    """How rows are learned.

    Attributes:
        share: of posts that are expected to have a new tag, in (0, 1).
        steps: of Adagrad, at a rate that falls to 0.
        learning_rate: of the first step.
        margin: of the hinge.
        max_norm: of a row; None for no bound.
        seed: of everything drawn.
    """

    share: float
    steps: int
    learning_rate: float
    margin: float
    max_norm: float | None
    seed: int


def learn_rows(
    table: np.ndarray,
    num_new: int,
    examples: EmbeddedPosts,
    background: EmbeddedPosts,
    learning: Learning,
) -> np.ndarray:
    """Minimises what WARP expects to lose, in the new rows alone.

    For a post and a positive tag, WARP draws one of the V tags that violate the margin, each with
    the same chance, and weighs its hinge by L(V). Here the expectation of that is taken in place of
    draws: L(V) / V times the sum of the violators' hinges, V and the sum estimated from a pool of
    known tags. New tags stand in pairs of two kinds:

    - as the positive of their examples, against known tags and the other new ones;
    - as a negative of known positives, of background posts and of examples without the tag. These
      keep a tag from ranking high everywhere.

    `learning.share` says how many posts of the one kind there are to one of the other, of which the
    examples tell nothing. A row starts as the mean direction of its examples' phi, as long as known
    rows are on average.

    Args:
        table: float32 [Y, d], the rows of known tags.
        num_new: T; the ids of new tags are Y to Y + T - 1, and each is on an example.
        examples: posts with new and known tags.
        background: posts with known tags only.
        learning: see there.

    Returns:
        float32 [T, d]. The same on one machine for the same arguments.
    """
    rng = np.random.default_rng(learning.seed)
    pool = Pool.draw(table, POOL, rng)
    own_pool, own_new = pool.own(examples.tags), np.zeros((len(examples.tags), num_new), bool)
    new = NewPairs.find(examples, len(table))
    own_new[new.post, new.tag] = True
    # Examples are posts without the other new tags, as background posts are.
    posts = EmbeddedPosts(
        np.concatenate([examples.phi, background.phi]), examples.tags + background.tags
    )
    known = KnownPairs.find(posts, table, pool, learning.margin)
    own_of_post = np.concatenate([own_new, np.zeros((len(background.tags), num_new), bool)])

    # The positives of a tag weigh 1, its negatives as many posts as there are to one with the tag.
    new_weight = (1 / np.bincount(new.tag, minlength=num_new))[new.tag].astype(np.float32)
    known_weight = known.weight * np.float32((1 / learning.share - 1) / len(posts.tags))
    rows = tf.Variable(_start(examples.phi, own_new, pool, learning.max_norm))
    optimizer = RowAdagrad(learning.learning_rate, initial_accumulator_value=INITIAL_ACCUMULATOR)
    optimizer.build(rows)

    @tf.function
    def take_step(new_batch: tuple[tf.Tensor, ...], known_batch: tuple[tf.Tensor, ...]) -> None:
        with tf.GradientTape() as tape:
            loss = _new_loss(rows, pool, learning.margin, *new_batch)
            loss += _known_loss(rows, *known_batch)
        gradient = tape.gradient(loss, rows)
        optimizer.apply(rows, None, tf.convert_to_tensor(gradient), max_norm=learning.max_norm)

    for step in range(learning.steps):
        optimizer.learning_rate.assign(learning.learning_rate * (1 - step / learning.steps))
        a, scale = _draw(rng, len(new.tag), _NEW_PAIRS)
        post = new.post[a]
        new_batch = (examples.phi[post], new.tag[a], own_pool[post], own_new[post])
        b, known_scale = _draw(rng, len(known.post), _KNOWN_PAIRS)
        at = known.post[b]
        known_batch = (posts.phi[at], known.threshold[b], own_of_post[at])
        take_step(
            tuple(map(tf.constant, (*new_batch, new_weight[a] * scale))),
            tuple(map(tf.constant, (*known_batch, known_weight[b] * known_scale))),
        )
    return rows.numpy()


def _start(phi: np.ndarray, own_new: np.ndarray, pool: Pool, max_norm: float | None) -> np.ndarray:
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


def _new_loss(
    rows: tf.Variable,
    pool: Pool,
    margin: float,
    phi: tf.Tensor,
    tag: tf.Tensor,
    own_pool: tf.Tensor,
    own_new: tf.Tensor,
    weight: tf.Tensor,
) -> tf.Tensor:
    """What WARP expects to lose of pairs with a new tag, [E]: their weighted sum."""
    score = tf.reduce_sum(phi * tf.gather(rows, tag), axis=1, keepdims=True)
    known = tf.nn.relu(margin - score + tf.matmul(phi, pool.rows, transpose_b=True))
    new = tf.nn.relu(margin - score + tf.matmul(phi, rows, transpose_b=True))
    known, new = tf.where(own_pool, 0.0, known), tf.where(own_new, 0.0, new)

    def over_tags(values: tuple[tf.Tensor, tf.Tensor]) -> tf.Tensor:
        known, new = (tf.reduce_sum(value, axis=1) for value in values)
        return pool.tags_for_one * known + new

    violators = over_tags((tf.sign(known), tf.sign(new)))
    violators = tf.stop_gradient(tf.maximum(violators, 1.0))
    return tf.reduce_sum(weight * rank_weight(violators) / violators * over_tags((known, new)))


def _known_loss(
    rows: tf.Variable, phi: tf.Tensor, threshold: tf.Tensor, own: tf.Tensor, weight: tf.Tensor
) -> tf.Tensor:
    """What WARP expects new tags to add to the loss of pairs with a known tag, [R]."""
    hinges = tf.nn.relu(tf.matmul(phi, rows, transpose_b=True) - threshold[:, tf.newaxis])
    return tf.reduce_sum(weight * tf.reduce_sum(tf.where(own, 0.0, hinges), axis=1))
