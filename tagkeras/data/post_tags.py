"""The tags of a batch of posts, flattened into the pairs that the losses work on."""

import math
from typing import NamedTuple

import tensorflow as tf

# Fills `excluded_by_post` up; larger than every tag, so that its rows stay sorted.
NO_TAG: int = tf.int64.max


class PostTags(NamedTuple):
    """The (post, tag) pairs of a batch of B posts.

    Attributes:
        post: int32 [P], the row in the batch of each positive, ascending.
        tag: int64 [P], the tag of each positive.
        is_positive: bool [P], False for the entries that only fill the shape up: at the end, with
            post and tag 0.
        excluded_post: int32 [E], the row of each pair that is no negative.
        excluded_tag: int64 [E], its tag: the post's own tags, and those that balancing removed.
            -1 where an entry only fills the shape up.
        excluded_by_post: int64 [B, T], the excluded tags of each post, ascending, then `NO_TAG`, at
            least once.
        num_excluded: int32 [B], how many tags of each post are no negatives.
        is_padded: whether there are entries that only fill shapes up. XLA compiles a program for
            each shape: padded, batches share a few of them.
    """

    post: tf.Tensor
    tag: tf.Tensor
    is_positive: tf.Tensor
    excluded_post: tf.Tensor
    excluded_tag: tf.Tensor
    excluded_by_post: tf.Tensor
    num_excluded: tf.Tensor
    is_padded: bool

    @classmethod
    def from_ragged(
        cls, tags: tf.RaggedTensor, removed: tf.RaggedTensor, *, pad: bool = False
    ) -> "PostTags":
        """Flattens int64 ragged [B, (tags)]; a post has a tag at most once, in one of both.

        Args:
            tags: of each post.
            removed: tags that balancing took off each post.
            pad: fill shapes up to one of few sizes: multiples of 8, above 64 at most an eighth more
                than is needed. There has to be a post then, the first of which fillers name.
        """
        post, removed_post = (tf.cast(r.value_rowids(), tf.int32) for r in (tags, removed))
        excluded_post = tf.concat([post, removed_post], axis=0)
        tag = tags.flat_values
        excluded_tag = tf.concat([tag, removed.flat_values], axis=0)
        by_post = tf.concat([tags.to_tensor(NO_TAG), removed.to_tensor(NO_TAG)], axis=1)
        by_post = tf.pad(tf.sort(by_post, axis=1), [[0, 0], [0, 1]], constant_values=NO_TAG)
        is_positive = tf.ones_like(post, tf.bool)
        if pad:
            post, tag, is_positive = (_pad(value, 0) for value in (post, tag, is_positive))
            excluded_post, excluded_tag = _pad(excluded_post, 0), _pad(excluded_tag, -1)
            by_post = tf.transpose(_pad(tf.transpose(by_post), NO_TAG))
        return cls(
            post=post,
            tag=tag,
            is_positive=is_positive,
            excluded_post=excluded_post,
            excluded_tag=excluded_tag,
            excluded_by_post=by_post,
            num_excluded=tf.cast(tags.row_lengths() + removed.row_lengths(), tf.int32),
            is_padded=pad,
        )

    @property
    def num_positives(self) -> tf.Tensor:
        """The number of positives, int32 []."""
        return tf.reduce_sum(tf.cast(self.is_positive, tf.int32))


def _pad(values: tf.Tensor, filler: int) -> tf.Tensor:
    """Fills the first axis up to a multiple of 8 and of an eighth of the power of two below it."""
    size = tf.maximum(tf.shape(values)[0], 1)
    power = tf.cast(tf.floor(tf.math.log(tf.cast(size, tf.float64)) / math.log(2)), tf.int32)
    step = tf.bitwise.left_shift(1, tf.maximum(power - 3, 3))
    padding = -(-size // step) * step - tf.shape(values)[0]
    paddings = tf.concat([[[0, padding]], tf.zeros([values.shape.rank - 1, 2], tf.int32)], axis=0)
    return tf.pad(values, paddings, constant_values=tf.cast(filler, values.dtype))
