"""WARP negatives at matrix speed: one pool of tags for a group of posts."""

import math
from typing import NamedTuple

import keras
import tensorflow as tf

from tagkeras.data.post_tags import PostTags
from tagkeras.samplers.sampler import Negatives, Sampler

# Columns of the pool that are searched together; offsets are multiples of it.
BLOCK = 32


class _Pool(NamedTuple):
    """G pools of nb blocks of `BLOCK` tags, one for each group of posts, and their scores."""

    tags: tf.Tensor  # int64 [G, nb, BLOCK]
    scores: tf.Tensor  # float [B, nb, BLOCK], -inf for the post's own tags
    own: tf.Tensor  # int32 [B, nb], how many of the block are the post's own


@keras.saving.register_keras_serializable(package="tagkeras")
class Pooled(Sampler):
    """Scores one i.i.d. pool of tags for a group of posts in one matrix product.

    Each positive walks the pool from its own random offset, skipping the tags of its post without
    counting them. An i.i.d. sequence rotated is still i.i.d., so that each positive sees the draws
    of the sequential definition; only the correlation between positives differs. The pool is
    longer than `max_negatives` by a margin for the skipped tags; a walk that needs yet more, as
    with very small vocabularies, continues in a fresh pool.

    A walk looks at the largest score of each block first, which all positives of a post share,
    and then into one block only: finding the thousandth tag costs what finding the first does.

    Args:
        max_negatives: the most draws for a positive, at least 1.
        pool_group: how many posts share a pool, at least 1. Larger groups make fewer, larger
            matrix products and correlate more positives.

    Example:
        >>> loss = tagkeras.losses.Warp(sampler=Pooled(max_negatives=200))
    """

    def __init__(self, *, max_negatives: int = 1000, pool_group: int = 512) -> None:
        super().__init__(max_negatives=max_negatives)
        if pool_group < 1:
            raise ValueError(f"pool_group must be at least 1, received {pool_group}")
        self.pool_group = pool_group

    def sample(
        self,
        phi: tf.Tensor,
        table: tf.Variable,
        post_tags: PostTags,
        thresholds: tf.Tensor,
        seed: tf.Tensor,
    ) -> Negatives:
        """The negatives of a batch: most positives need one walk of a pool, a few need more."""
        zeros = tf.zeros_like(post_tags.post)
        start = Negatives(tf.zeros_like(post_tags.tag), zeros, zeros > 0)

        def walk_one_pool(
            number: tf.Tensor, pending: tf.Tensor, so_far: Negatives
        ) -> tuple[tf.Tensor, tf.Tensor, Negatives]:
            pool_seed, offset_seed = tf.unstack(
                tf.random.experimental.stateless_split(
                    tf.random.experimental.stateless_fold_in(seed, number), 2
                )
            )
            pool = self._draw_pool(phi, table, post_tags, pool_seed)
            seen = self._walk(pool, post_tags, thresholds, so_far.draws, offset_seed)
            so_far = Negatives(
                *(tf.where(pending, *pair) for pair in zip(seen, so_far, strict=True))
            )
            pending &= ~so_far.found & (so_far.draws < self.max_negatives)
            return number + 1, pending, so_far

        _, _, negatives = tf.while_loop(
            lambda number, pending, so_far: tf.reduce_any(pending),
            walk_one_pool,
            (tf.constant(0), post_tags.has_candidates(table.shape[0]), start),
        )
        return negatives

    def num_blocks(self, num_tags: int) -> int:
        """Blocks in a pool for a vocabulary of `num_tags`: room for the skipped tags of most posts.

        A post with five tags meets 5 max_negatives / Y of them on average.
        """
        skipped = 5 * self.max_negatives / num_tags
        room = min(self.max_negatives, skipped + 4 * math.sqrt(skipped))
        return math.ceil((self.max_negatives + room) / BLOCK)

    def _walk(
        self,
        pool: _Pool,
        post_tags: PostTags,
        thresholds: tf.Tensor,
        draws: tf.Tensor,
        seed: tf.Tensor,
    ) -> Negatives:
        """Walks a pool once, after `draws` draws in others."""
        num_blocks = pool.tags.shape[1]
        post = post_tags.post
        offset = tf.random.stateless_uniform(tf.shape(post), seed, 0, num_blocks, tf.int32)
        # The blocks in the order of the walk, as rows of all blocks of all posts: [P, nb].
        order = (offset[:, tf.newaxis] + tf.range(num_blocks)) % num_blocks
        row = order + post[:, tf.newaxis] * num_blocks
        block_max = tf.gather(tf.reshape(tf.reduce_max(pool.scores, axis=2), [-1]), row)
        own = tf.gather(tf.reshape(pool.own, [-1]), row)
        violates = block_max > thresholds[:, tf.newaxis]
        found = tf.reduce_any(violates, axis=1)
        # Without a violator, the walk reads the last block to its end.
        step = tf.where(found, _first(violates), num_blocks - 1)
        own_before = tf.reduce_sum(tf.where(tf.range(num_blocks) < step[:, tf.newaxis], own, 0), 1)

        block = tf.gather(order, step, batch_dims=1)
        scores = tf.reshape(pool.scores, [-1, BLOCK])
        scores = tf.gather(scores, block + post * num_blocks)  # [P, BLOCK]
        column = tf.where(found, _first(scores > thresholds[:, tf.newaxis]), BLOCK - 1)
        is_own = tf.equal(scores, -math.inf) & (tf.range(BLOCK) <= column[:, tf.newaxis])
        own_in_block = tf.reduce_sum(tf.cast(is_own, tf.int32), axis=1)
        # Scores that overflow to -inf must not pass for own tags, or the walk would never end.
        own_before += tf.where(found, own_in_block, own[:, -1])

        draws += step * BLOCK + column + 1 - own_before
        found &= draws <= self.max_negatives
        place = (post // self.pool_group * num_blocks + block) * BLOCK + column
        tag = tf.where(found, tf.gather(tf.reshape(pool.tags, [-1]), place), 0)
        return Negatives(tag, tf.minimum(draws, self.max_negatives), found)

    def _draw_pool(
        self, phi: tf.Tensor, table: tf.Variable, post_tags: PostTags, seed: tf.Tensor
    ) -> _Pool:
        """Draws a pool for each group of posts and scores it."""
        num_posts, num_tags = tf.shape(phi)[0], table.shape[0]
        num_blocks = self.num_blocks(num_tags)
        num_groups = -(-num_posts // self.pool_group)
        shape = [num_groups, num_blocks * BLOCK]
        tags = tf.random.stateless_uniform(shape, seed, 0, num_tags, tf.int64)
        # A batch that is smaller than a group is one, without padding.
        group_size = tf.maximum(tf.minimum(self.pool_group, num_posts), 1)
        padding = num_groups * group_size - num_posts
        grouped = tf.reshape(
            tf.pad(phi, [[0, padding], [0, 0]]), [num_groups, group_size, phi.shape[1]]
        )
        scores = tf.matmul(grouped, tf.gather(table, tags), transpose_b=True)
        scores = tf.reshape(scores, [-1, num_blocks * BLOCK])[:num_posts]
        mask_own = self._mask_own_of_padded if post_tags.is_padded else self._mask_own
        scores, own = mask_own(scores, tags, post_tags, num_tags)
        return _Pool(
            tf.reshape(tags, [num_groups, num_blocks, BLOCK]),
            tf.reshape(scores, [-1, num_blocks, BLOCK]),
            own,
        )

    def _mask_own(
        self, scores: tf.Tensor, pool: tf.Tensor, post_tags: PostTags, num_tags: int
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """Sets the scores of each post's own tags to -inf and counts them by block.

        One sorted list of all pools, and two binary searches for each excluded pair, instead of
        comparing every pair with every column.
        """
        num_groups, size = tf.unstack(tf.shape(pool))
        group = tf.cast(tf.range(num_groups), tf.int64)[:, tf.newaxis]
        keys = tf.reshape(group * num_tags + pool, [-1])
        order = tf.argsort(keys)
        ordered = tf.gather(keys, order)
        wanted = tf.cast(post_tags.excluded_post // self.pool_group, tf.int64) * num_tags
        wanted += post_tags.excluded_tag
        left = tf.searchsorted(ordered, wanted, side="left")
        hits = tf.ragged.range(left, tf.searchsorted(ordered, wanted, side="right"))
        post = tf.gather(post_tags.excluded_post, hits.value_rowids())
        column = tf.gather(order, hits.flat_values) % size
        at = tf.stack([post, column], axis=1)
        minus_inf = tf.fill(tf.shape(post), tf.constant(-math.inf, scores.dtype))
        own = tf.scatter_nd(
            tf.stack([post, column // BLOCK], axis=1),
            tf.ones_like(post),
            [tf.shape(scores)[0], size // BLOCK],
        )
        return tf.tensor_scatter_nd_update(scores, at, minus_inf), own

    def _mask_own_of_padded(
        self, scores: tf.Tensor, pool: tf.Tensor, post_tags: PostTags, num_tags: int
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """The same with static shapes, as XLA needs: compares all tags with all."""
        del num_tags
        group = tf.range(tf.shape(scores)[0]) // self.pool_group
        pool = tf.gather(pool, group)[:, :, tf.newaxis]
        is_own = tf.reduce_any(pool == post_tags.excluded_by_post[:, tf.newaxis, :], axis=2)
        blocks = tf.reshape(is_own, [tf.shape(scores)[0], -1, BLOCK])
        own = tf.reduce_sum(tf.cast(blocks, tf.int32), axis=2)
        return tf.where(is_own, tf.constant(-math.inf, scores.dtype), scores), own


def _first(condition: tf.Tensor) -> tf.Tensor:
    """The first column at which each row is true, int32; 0 if there is none."""
    return tf.argmax(tf.cast(condition, tf.int8), axis=1, output_type=tf.int32)
