"""WARP negatives at matrix speed: one pool of tags for a group of posts."""

import math
from typing import NamedTuple

import tensorflow as tf

from tagkeras.warp.negative_sampler import Negatives, NegativeSampler
from tagkeras.warp.post_tags import PostTags

# Columns of the pool that are looked at together; offsets are multiples of it, so that every walk
# reads whole rows of memory.
BLOCK = 32


class _Walk(NamedTuple):
    """The state of the walks of all P positives between two pools."""

    tag: tf.Tensor  # int64 [P]
    draws: tf.Tensor  # int32 [P]
    found: tf.Tensor  # bool [P]
    pending: tf.Tensor  # bool [P], whether the walk goes on


class PooledSampler(NegativeSampler):
    """Scores one i.i.d. pool of tags for a group of posts in one matrix product.

    Each positive walks the pool from its own random offset, skipping the tags of its post without
    counting them. An i.i.d. sequence rotated is still i.i.d., so that each positive sees the draws
    of the sequential definition; only the correlation between positives differs. The pool is
    longer than `max_negatives` by a margin for the skipped tags; a walk that needs yet more, as
    with very small vocabularies, goes on in a fresh pool.

    A walk reads the pool in spans that double, and only positives without a violator read on: a
    batch of easy positives costs next to nothing.

    Args:
        max_negatives: the most draws for a positive.
        margin: of the hinge.
        pool_group: how many posts share a pool, at least 1. Larger groups make fewer, larger
            matrix products and correlate more positives.
    """

    def __init__(
        self, *, max_negatives: int = 1000, margin: float = 0.1, pool_group: int = 512
    ) -> None:
        super().__init__(max_negatives=max_negatives, margin=margin)
        if pool_group < 1:
            raise ValueError(f"pool_group must be at least 1, received {pool_group}")
        self.pool_group = pool_group

    def sample(
        self, phi: tf.Tensor, table: tf.Variable, post_tags: PostTags, seed: tf.Tensor
    ) -> Negatives:
        """See `NegativeSampler.sample`."""
        num_tags = table.shape[0]
        thresholds = self.thresholds(phi, table, post_tags)
        zeros = tf.zeros_like(post_tags.post)
        has_candidates = num_tags > tf.gather(post_tags.num_excluded, post_tags.post)
        start = _Walk(tf.zeros_like(post_tags.tag), zeros, zeros > 0, has_candidates)

        def walk_one_pool(pool: tf.Tensor, walk: _Walk) -> tuple[tf.Tensor, _Walk]:
            pool_seed = tf.random.experimental.stateless_fold_in(seed, pool)
            return pool + 1, self._walk_pool(phi, table, post_tags, thresholds, walk, pool_seed)

        _, walk = tf.while_loop(
            lambda pool, walk: tf.reduce_any(walk.pending),
            walk_one_pool,
            (tf.constant(0), start),
        )
        return Negatives(walk.tag, walk.draws, walk.found)

    def num_blocks(self, num_tags: int) -> int:
        """Blocks in a pool for a vocabulary of `num_tags`: room for the skipped tags of most posts.

        A post with five tags meets 5 max_negatives / Y of them on average.
        """
        skipped = 5 * self.max_negatives / num_tags
        room = min(self.max_negatives, skipped + 4 * math.sqrt(skipped))
        return math.ceil((self.max_negatives + room) / BLOCK)

    def _walk_pool(
        self,
        phi: tf.Tensor,
        table: tf.Variable,
        post_tags: PostTags,
        thresholds: tf.Tensor,
        walk: _Walk,
        seed: tf.Tensor,
    ) -> _Walk:
        num_blocks = self.num_blocks(table.shape[0])
        num_groups = -(-tf.shape(phi)[0] // self.pool_group)
        pool_seed, offset_seed = tf.unstack(tf.random.experimental.stateless_split(seed, 2))
        pool = tf.random.stateless_uniform(
            [num_groups, num_blocks * BLOCK], pool_seed, 0, table.shape[0], tf.int64
        )
        scores = self._pool_scores(phi, table, pool, post_tags)
        # Rows of one block each, so that a walk is a gather of rows.
        score_blocks = tf.reshape(scores, [-1, BLOCK])
        pool_blocks = tf.reshape(pool, [-1, BLOCK])
        offsets = tf.random.stateless_uniform(
            tf.shape(walk.draws), offset_seed, 0, num_blocks, tf.int32
        )

        first, span = 0, 1
        while first < num_blocks:
            span = min(span, num_blocks - first)
            readers = tf.where(walk.pending)[:, 0]
            post = tf.gather(post_tags.post, readers)
            blocks = tf.gather(offsets, readers)[:, None] + tf.range(first, first + span)
            blocks %= num_blocks
            seen = tf.gather(score_blocks, post[:, None] * num_blocks + blocks)
            seen = tf.reshape(seen, [-1, span * BLOCK])
            violates = seen > tf.gather(thresholds, readers)[:, None]
            found = tf.reduce_any(violates, axis=1)
            column = tf.argmax(tf.cast(violates, tf.int8), axis=1, output_type=tf.int32)
            last = tf.where(found, column, span * BLOCK - 1)
            own = tf.cast(tf.equal(seen, -math.inf), tf.int32)
            # A running sum would cost as much as all the rest: count own tags up to `last`.
            own = tf.where(tf.range(span * BLOCK) <= last[:, None], own, 0)
            draws = tf.gather(walk.draws, readers) + last + 1 - tf.reduce_sum(own, axis=1)
            found &= draws <= self.max_negatives
            block = tf.gather(blocks, column // BLOCK, batch_dims=1)
            pool_row = post // self.pool_group * num_blocks + block
            tag = tf.gather_nd(pool_blocks, tf.stack([pool_row, column % BLOCK], axis=1))

            where = readers[:, None]
            draws = tf.minimum(draws, self.max_negatives)
            pending = ~found & (draws < self.max_negatives)
            walk = _Walk(
                tag=tf.tensor_scatter_nd_update(walk.tag, where, tf.where(found, tag, 0)),
                draws=tf.tensor_scatter_nd_update(walk.draws, where, draws),
                found=tf.tensor_scatter_nd_update(walk.found, where, found),
                pending=tf.tensor_scatter_nd_update(walk.pending, where, pending),
            )
            first, span = first + span, 2 * span
        return walk

    def _pool_scores(
        self, phi: tf.Tensor, table: tf.Variable, pool: tf.Tensor, post_tags: PostTags
    ) -> tf.Tensor:
        """Scores of each post for the pool of its group, float [posts, pool]; -inf for own tags."""
        num_groups, size = tf.unstack(tf.shape(pool))
        padding = num_groups * self.pool_group - tf.shape(phi)[0]
        grouped = tf.reshape(
            tf.pad(phi, [[0, padding], [0, 0]]), [num_groups, self.pool_group, phi.shape[1]]
        )
        scores = tf.matmul(grouped, tf.gather(table, pool), transpose_b=True)
        scores = tf.reshape(scores, [-1, size])
        own = self._own_columns(pool, post_tags, table.shape[0])
        return tf.tensor_scatter_nd_update(
            scores, own, tf.fill(tf.shape(own)[:1], tf.constant(-math.inf, scores.dtype))
        )

    def _own_columns(self, pool: tf.Tensor, post_tags: PostTags, num_tags: int) -> tf.Tensor:
        """The (post, column) pairs, int32 [hits, 2], at which a pool holds a tag of the post.

        One sorted list of all pools, and two binary searches for each excluded pair, instead of
        comparing every pair with every column.
        """
        num_groups, size = tf.unstack(tf.shape(pool))
        group = tf.cast(tf.range(num_groups), tf.int64)[:, None]
        keys = tf.reshape(group * num_tags + pool, [-1])
        order = tf.argsort(keys)
        ordered = tf.gather(keys, order)
        wanted = tf.cast(post_tags.excluded_post // self.pool_group, tf.int64) * num_tags
        wanted += post_tags.excluded_tag
        left = tf.searchsorted(ordered, wanted, side="left")
        hits = tf.ragged.range(left, tf.searchsorted(ordered, wanted, side="right"))
        post = tf.gather(post_tags.excluded_post, hits.value_rowids())
        column = tf.gather(order, hits.flat_values) % size
        return tf.stack([post, column], axis=1)
