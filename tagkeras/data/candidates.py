"""Uniform draws from the tags that are not on a post."""

import tensorflow as tf

from tagkeras.data.post_tags import PostTags


def draw_candidates(
    post_tags: PostTags, post: tf.Tensor, num_tags: int, count: int | tf.Tensor, seed: tf.Tensor
) -> tf.Tensor:
    """Draws tags for posts, uniformly and with replacement from those that are not excluded.

    The r-th candidate (from 0) is r + j, j being the number of excluded tags e_0 < e_1 < ... with
    e_i - i <= r: nothing is drawn in vain, however few candidates there are.

    Args:
        post_tags: of the batch.
        post: int32 [R], rows of the batch to draw for.
        num_tags: Y.
        count: how many draws for each.
        seed: int32 [2], of stateless random numbers.

    Returns:
        int64 [R, count]. For a post without candidates, tags that mean nothing, in [0, Y).
    """
    excluded = post_tags.excluded_by_post
    gaps = tf.gather(excluded - tf.range(tf.shape(excluded)[1], dtype=tf.int64), post)  # [R, T]
    num_candidates = tf.cast(num_tags - tf.gather(post_tags.num_excluded, post), tf.int64)
    bits = tf.random.stateless_uniform(
        [tf.shape(post)[0], count], seed, minval=None, maxval=None, dtype=tf.uint64
    )
    # A remainder of 63 random bits: its bias, below Y / 2^63, is none that could be measured.
    rank = tf.bitcast(tf.bitwise.right_shift(bits, tf.constant(1, tf.uint64)), tf.int64)
    rank %= tf.maximum(num_candidates, 1)[:, tf.newaxis]
    skipped = tf.searchsorted(gaps, rank, side="right", out_type=tf.int64)
    return tf.minimum(rank + skipped, num_tags - 1)
