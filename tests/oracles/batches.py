"""Batches out of lists."""

import tensorflow as tf

from tagkeras.data.post_tags import PostTags, Truth


def as_ragged(lists):
    return tf.RaggedTensor.from_row_lengths(
        tf.constant([value for values in lists for value in values], tf.int64),
        tf.constant([len(values) for values in lists], tf.int64),
    )


def as_post_tags(tags, removed=None, *, pad=False):
    """`PostTags` of one list of tags a post, and one of the tags removed from it."""
    removed = [[] for _ in tags] if removed is None else removed
    truth = Truth.parse({"tags": as_ragged(tags), "tags_removed": as_ragged(removed)})
    return PostTags.from_truth(truth, pad=pad)
