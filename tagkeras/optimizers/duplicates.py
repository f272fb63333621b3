"""Gradients of rows that a step touches more than once."""

import tensorflow as tf


def sum_duplicates(ids: tf.Tensor, gradients: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Sums the gradients of equal ids.

    Shapes stay as they are, so that XLA can compile it, and the sums are the same in every run on
    one machine: each id is met in the order of `ids`.

    Args:
        ids: int64 [R].
        gradients: float [R, d].

    Returns:
        Ids and gradients of the same shapes: the distinct ids, ascending, with their sums, and then
        the first of them again and again, each time with its whole sum, so that whoever assigns to
        a row assigns the same value each time.
    """
    order = tf.argsort(ids, stable=True)
    ordered = tf.gather(ids, order)
    is_first = tf.concat([tf.ones_like(ordered[:1], tf.bool), ordered[1:] != ordered[:-1]], axis=0)
    slot = tf.cumsum(tf.cast(is_first, tf.int32)) - 1
    size = tf.size(ids)
    sums = tf.math.unsorted_segment_sum(tf.gather(gradients, order), slot, size)
    distinct = tf.math.unsorted_segment_max(ordered, slot, size)
    source = tf.range(size)
    source = tf.where(source <= slot[-1:], source, 0)
    return tf.gather(distinct, source), tf.gather(sums, source)
