"""The hashtags of a batch of posts: as given to a model, and as the pairs that losses work on."""

import math
from collections.abc import Mapping
from typing import Any, NamedTuple

import tensorflow as tf

INPUTS = ("descriptor", "user_descriptor")
# Pads `excluded_by_post`; larger than every tag, so that its rows stay sorted.
NO_TAG: int = tf.int64.max


class Truth(NamedTuple):
    """The hashtags of B posts.

    Attributes:
        tags: int64 ragged [B, (tags)], vocabulary ids, each once.
        removed: int64 ragged [B, (tags)], ids that balancing took off: neither positives nor
            negatives.
        out_of_vocabulary: int64 [B], how many more hashtags a post has, outside the vocabulary.
    """

    tags: tf.RaggedTensor
    removed: tf.RaggedTensor
    out_of_vocabulary: tf.Tensor

    @classmethod
    def parse(cls, y_true: Any) -> "Truth":
        """Reads the hashtags of posts as `fit`, `evaluate` and the metrics take them.

        Args:
            y_true: ids as a ragged [B, (tags)] or a dense tensor [B, t] padded with -1; or a dict
                of such `tags` and, optionally, `tags_removed` alike and `out_of_vocabulary` [B].
        """
        if isinstance(y_true, Truth):
            return y_true
        parts = y_true if isinstance(y_true, Mapping) else {"tags": y_true}
        tags = _to_ragged(parts["tags"])
        num_posts = tags.nrows(tf.int64)
        removed = parts.get("tags_removed")
        if removed is None:
            none = tf.zeros([0], tf.int64)
            removed = tf.RaggedTensor.from_row_lengths(none, tf.zeros([num_posts], tf.int64))
        unknown = parts.get("out_of_vocabulary")
        unknown = tf.zeros([num_posts], tf.int64) if unknown is None else tf.cast(unknown, tf.int64)
        return cls(tags, _to_ragged(removed), unknown)

    @property
    def num_tags(self) -> tf.Tensor:
        """How many hashtags each post has, those outside the vocabulary included: int64 [B]."""
        return self.tags.row_lengths() + self.out_of_vocabulary


class PostTags(NamedTuple):
    """The (post, tag) pairs of a batch of B posts.

    Attributes:
        post: int32 [P], the row in the batch of each positive, ascending.
        tag: int64 [P], the tag of each positive.
        is_positive: bool [P], False for padding, which is at the end, with post and tag 0.
        excluded_post: int32 [E], the row of each pair that is no negative.
        excluded_tag: int64 [E], its tag: the post's own tags, and those that balancing removed.
            -1 for padding.
        excluded_by_post: int64 [B, T], the excluded tags of each post, ascending, then `NO_TAG`, at
            least once.
        num_excluded: int32 [B], how many tags of each post are no negatives.
        is_padded: whether there is padding. XLA compiles a program for each shape: padded, batches
            share a few of them.
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
    def from_truth(cls, truth: Truth, *, pad: bool = False) -> "PostTags":
        """Flattens the tags of posts; a post has a tag at most once, be it kept or removed.

        Args:
            truth: of the posts.
            pad: pad to one of few sizes: multiples of 8, above 64 at most an eighth more than is
                needed. Padding refers to the first post, so that there must be one.
        """
        tags, removed = truth.tags, truth.removed
        post, removed_post = (tf.cast(r.value_rowids(), tf.int32) for r in (tags, removed))
        excluded_post = tf.concat([post, removed_post], axis=0)
        tag = tags.flat_values
        excluded_tag = tf.concat([tag, removed.flat_values], axis=0)
        by_post = tf.concat([tags.to_tensor(NO_TAG), removed.to_tensor(NO_TAG)], axis=1)
        by_post = tf.pad(tf.sort(by_post, axis=1), [[0, 0], [0, 1]], constant_values=NO_TAG)
        is_positive = tf.ones_like(post, tf.bool)
        if pad:
            post, tag, is_positive = (_pad(values, 0) for values in (post, tag, is_positive))
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

    def num_candidates(self, num_tags: int) -> tf.Tensor:
        """Y - t of every positive, int32 [P]: how many of Y tags are not on its post."""
        return num_tags - tf.gather(self.num_excluded, self.post)

    def has_candidates(self, num_tags: int) -> tf.Tensor:
        """Which positives have a negative to draw, bool [P]."""
        return (self.num_candidates(num_tags) > 0) & self.is_positive

    def draw_candidates(
        self, post: tf.Tensor, num_tags: int, count: int | tf.Tensor, seed: tf.Tensor
    ) -> tf.Tensor:
        """Draws tags for posts, uniformly and with replacement from those that are not excluded.

        The r-th candidate (from 0) is r + j, j being the number of excluded tags e_0 < e_1 < ...
        with e_i - i <= r: no draw is rejected, however few candidates there are.

        Args:
            post: int32 [R], rows of the batch to draw for.
            num_tags: Y.
            count: how many draws for each.
            seed: int32 [2], of stateless random numbers.

        Returns:
            int64 [R, count]. For a post without candidates, arbitrary tags in [0, Y).
        """
        excluded = self.excluded_by_post
        gaps = tf.gather(excluded - tf.range(tf.shape(excluded)[1], dtype=tf.int64), post)  # [R, T]
        num_candidates = tf.cast(num_tags - tf.gather(self.num_excluded, post), tf.int64)
        bits = tf.random.stateless_uniform(
            [tf.shape(post)[0], count], seed, minval=None, maxval=None, dtype=tf.uint64
        )
        # The remainder of 63 random bits has a bias below Y / 2^63, too small to measure.
        rank = tf.bitcast(tf.bitwise.right_shift(bits, tf.constant(1, tf.uint64)), tf.int64)
        rank %= tf.maximum(num_candidates, 1)[:, tf.newaxis]
        skipped = tf.searchsorted(gaps, rank, side="right", out_type=tf.int64)
        return tf.minimum(rank + skipped, num_tags - 1)


def split_batch(batch: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """A batch of records as `fit` and `evaluate` take it: inputs, and what `Truth.parse` reads."""
    truth = ("tags", "tags_removed", "out_of_vocabulary")
    return {name: batch[name] for name in INPUTS}, {name: batch[name] for name in truth}


def _to_ragged(ids: Any) -> tf.RaggedTensor:
    if not isinstance(ids, tf.RaggedTensor):
        ids = tf.convert_to_tensor(ids)
        ids = tf.ragged.boolean_mask(ids, ids >= 0)
    return tf.cast(ids, tf.int64).with_row_splits_dtype(tf.int64)


def _pad(values: tf.Tensor, value: int) -> tf.Tensor:
    """Pads the first axis to a multiple of 8 and of an eighth of the power of two below it."""
    size = tf.maximum(tf.shape(values)[0], 1)
    power = tf.cast(tf.floor(tf.math.log(tf.cast(size, tf.float64)) / math.log(2)), tf.int32)
    step = tf.bitwise.left_shift(1, tf.maximum(power - 3, 3))
    padding = -(-size // step) * step - tf.shape(values)[0]
    paddings = tf.concat([[[0, padding]], tf.zeros([values.shape.rank - 1, 2], tf.int32)], axis=0)
    return tf.pad(values, paddings, constant_values=tf.cast(value, values.dtype))
