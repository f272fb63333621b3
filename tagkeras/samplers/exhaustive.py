"""WARP negatives drawn from their exact distribution, given the scores of the whole vocabulary."""

import math

import keras
import tensorflow as tf

from tagkeras.data.post_tags import PostTags
from tagkeras.samplers.sampler import Negatives, Sampler

# Columns whose violators are counted together.
BLOCK = 32


@keras.saving.register_keras_serializable(package="tagkeras")
class Exhaustive(Sampler):
    """Scores all tags in tiles, counts the violators v of each positive, draws N and a violator.

    With p = v / (Y - t), the number of draws N is geometric, P(N = n) = (1 - p)^(n - 1) p, and the
    violator is uniform among the v, whatever N is. A step costs what the vocabulary costs; for GPUs
    and small vocabularies.

    Args:
        max_negatives: the most draws for a positive: N beyond it finds nothing.
        tile: tags scored at once, a multiple of 32. Memory holds `tile` scores a positive.

    Example:
        >>> loss = tagkeras.losses.Warp(sampler=Exhaustive())
    """

    def __init__(self, *, max_negatives: int = 1000, tile: int = 8192) -> None:
        super().__init__(max_negatives=max_negatives)
        if tile < BLOCK or tile % BLOCK:
            raise ValueError(f"tile must be a multiple of {BLOCK}, received {tile}")
        self.tile = tile

    def sample(
        self,
        phi: tf.Tensor,
        table: tf.Variable,
        post_tags: PostTags,
        thresholds: tf.Tensor,
        seed: tf.Tensor,
    ) -> Negatives:
        """The negatives of a batch."""
        num_tags = table.shape[0]
        tile = min(self.tile, -(-num_tags // BLOCK) * BLOCK)
        draw_seed, tag_seed = tf.unstack(tf.random.experimental.stateless_split(seed, 2))

        def count_tile(
            start: tf.Tensor, tag: tf.Tensor, violators: tf.Tensor
        ) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
            violates = self._violates(phi, table, post_tags, thresholds, start, tile)
            # A reservoir of one: a tile gives the violator with the share it has of those so far.
            by_block = tf.reduce_sum(
                tf.cast(tf.reshape(violates, [-1, tile // BLOCK, BLOCK]), tf.int32), axis=2
            )
            in_tile = tf.reduce_sum(by_block, axis=1)
            violators += in_tile
            tile_seed = tf.random.experimental.stateless_fold_in(tag_seed, start)
            rank = _draw_below(violators, tile_seed)
            column = _find_ranked(violates, by_block, rank)
            return (
                start + tile,
                tf.where(rank < in_tile, tf.cast(start + column, tf.int64), tag),
                violators,
            )

        zeros = tf.zeros_like(post_tags.post)
        _, tag, violators = tf.while_loop(
            lambda start, tag, violators: start < num_tags,
            count_tile,
            (tf.constant(0), tf.zeros_like(post_tags.tag), zeros),
        )
        draws = self._draw_number(violators, post_tags.num_candidates(num_tags), draw_seed)
        has_candidates = post_tags.has_candidates(num_tags)
        found = has_candidates & (draws <= self.max_negatives)
        draws = tf.where(has_candidates, tf.minimum(draws, self.max_negatives), 0)
        return Negatives(tf.where(found, tag, 0), draws, found)

    @staticmethod
    def _violates(
        phi: tf.Tensor,
        table: tf.Variable,
        post_tags: PostTags,
        thresholds: tf.Tensor,
        start: tf.Tensor,
        tile: int,
    ) -> tf.Tensor:
        """Which tags of a tile violate, bool [P, tile]; none of the post's own, none beyond Y."""
        num_tags = table.shape[0]
        columns = start + tf.range(tile)
        rows = tf.gather(table, tf.minimum(columns, num_tags - 1))
        scores = tf.matmul(phi, rows, transpose_b=True)
        in_tile = post_tags.excluded_tag - tf.cast(start, tf.int64)
        # Pairs of other tiles go to one more column, so that shapes stay static.
        is_here = (in_tile >= 0) & (in_tile < tile)
        column = tf.where(is_here, tf.cast(in_tile, tf.int32), tile)
        at = tf.stack([post_tags.excluded_post, column], axis=1)
        is_own = tf.scatter_nd(at, tf.ones_like(column), [tf.shape(phi)[0], tile + 1])
        scores = tf.where(
            (is_own[:, :tile] > 0) | (columns >= num_tags),
            tf.constant(-math.inf, scores.dtype),
            scores,
        )
        return tf.gather(scores, post_tags.post) > thresholds[:, tf.newaxis]

    def _draw_number(
        self, violators: tf.Tensor, candidates: tf.Tensor, seed: tf.Tensor
    ) -> tf.Tensor:
        """N of each positive, int32; `max_negatives` + 1 for all beyond `max_negatives`."""
        share = tf.cast(violators, tf.float64) / tf.cast(tf.maximum(candidates, 1), tf.float64)
        uniform = 1 - tf.random.stateless_uniform(tf.shape(share), seed, dtype=tf.float64)
        # P(N > n) = (1 - p)^n: N is the least n with (1 - p)^n < U, U in (0, 1].
        number = tf.floor(tf.math.log(uniform) / tf.math.log1p(-share)) + 1
        number = tf.where(share >= 1, tf.ones_like(number), number)
        beyond = tf.constant(self.max_negatives + 1, tf.float64)
        number = tf.where(violators > 0, tf.minimum(number, beyond), beyond)
        return tf.cast(number, tf.int32)


def _draw_below(limit: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
    """Uniform int32 in [0, limit); 0 for a limit of 0."""
    uniform = tf.random.stateless_uniform(tf.shape(limit), seed, dtype=tf.float64)
    return tf.cast(uniform * tf.cast(limit, tf.float64), tf.int32)


def _find_ranked(violates: tf.Tensor, by_block: tf.Tensor, rank: tf.Tensor) -> tf.Tensor:
    """The column of the violator number `rank` (from 0) of each row, int32 [P].

    Of `violates`, bool [P, tile], the sums are `by_block`, int32 [P, tile / BLOCK]. The column
    means nothing where there are not that many.
    """
    up_to = tf.cumsum(by_block, axis=1)
    block = tf.reduce_sum(tf.cast(up_to <= rank[:, tf.newaxis], tf.int32), axis=1)
    block = tf.minimum(block, by_block.shape[1] - 1)
    before = tf.gather(up_to - by_block, block, batch_dims=1)
    blocks = tf.reshape(violates, [-1, by_block.shape[1], BLOCK])
    inside = tf.cast(tf.gather(blocks, block, batch_dims=1), tf.int32)
    column = tf.cumsum(inside, axis=1) <= (rank - before)[:, tf.newaxis]
    column = tf.reduce_sum(tf.cast(column, tf.int32), axis=1)
    return block * BLOCK + tf.minimum(column, BLOCK - 1)
