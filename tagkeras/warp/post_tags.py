"""The tags of a batch of posts, flattened into the pairs that WARP works on."""

from typing import NamedTuple

import tensorflow as tf


class PostTags(NamedTuple):
    """The (post, tag) pairs of a batch of B posts.

    Attributes:
        post: int32 [P], the row in the batch of each positive, ascending.
        tag: int64 [P], the tag of each positive.
        excluded_post: int32 [E], the row of each pair that is no negative.
        excluded_tag: int64 [E], its tag: the post's own tags, and those that balancing removed.
        num_excluded: int32 [B], how many tags of each post are no negatives.
    """

    post: tf.Tensor
    tag: tf.Tensor
    excluded_post: tf.Tensor
    excluded_tag: tf.Tensor
    num_excluded: tf.Tensor

    @classmethod
    def from_ragged(cls, tags: tf.RaggedTensor, removed: tf.RaggedTensor) -> "PostTags":
        """Flattens int64 ragged [B, (tags)]; a post has a tag at most once, in one of both."""
        post = tf.cast(tags.value_rowids(), tf.int32)
        removed_post = tf.cast(removed.value_rowids(), tf.int32)
        return cls(
            post=post,
            tag=tags.flat_values,
            excluded_post=tf.concat([post, removed_post], axis=0),
            excluded_tag=tf.concat([tags.flat_values, removed.flat_values], axis=0),
            num_excluded=tf.cast(tags.row_lengths() + removed.row_lengths(), tf.int32),
        )
