"""The blocks of neighbouring tags that hold the best of those seen so far."""

import math
from typing import NamedTuple

import tensorflow as tf


class BestBlocks(NamedTuple):
    """For each post the k best blocks of a scan over the tags, and all of their scores.

    A block is `size` tags in a row; it ranks by its largest score, ties to the lower block. The k
    best blocks hold the k best tags, ties to the lower tag. Proof: say that one of those tags, of
    score s, is in another block. That block's largest score is s or more, and k blocks rank before
    it. Each of them has a tag of a score above s, or of s exactly, but then in a lower block, which
    makes it a lower tag. So k tags rank before the one that was to be among the k best.

    What comes later in a scan seldom is among the best, so most of the scores are looked at once,
    for the largest of their block. Blocks keep the place where they were put; order is in `slots`.

    Attributes:
        largest: float [P, k], of each block, best block first.
        blocks: int32 [P, k], numbers of these blocks.
        slots: int32 [P, k], the rows of `scores` that hold them.
        scores: float [P * k, size].
    """

    largest: tf.Tensor
    blocks: tf.Tensor
    slots: tf.Tensor
    scores: tf.Tensor

    @classmethod
    def of_first(cls, scores: tf.Tensor, k: int, size: int) -> "BestBlocks":
        """Those of the first tags, scores float [P, T]; T is a multiple of `size`, and >= k of it.

        That many, because blocks made up to begin with would tie with scores of -inf.
        """
        by_block = _by_block(scores, size)
        largest, blocks = tf.math.top_k(tf.reduce_max(by_block, axis=2), k)
        num_posts = tf.shape(scores)[0]
        kept = tf.gather(by_block, blocks, batch_dims=1)
        return cls(
            largest,
            blocks,
            tf.range(num_posts)[:, tf.newaxis] * k + tf.range(k),
            tf.reshape(kept, [num_posts * k, size]),
        )

    @staticmethod
    def shapes(k: int, size: int) -> "BestBlocks":
        """What `tf.while_loop` wants to know of one that it carries."""
        order = tf.TensorShape([None, k])
        return BestBlocks(order, order, order, tf.TensorShape([None, size]))

    def merge(self, scores: tf.Tensor, start: tf.Tensor) -> "BestBlocks":
        """Takes the next tags, scores float [P, T] of those from `start` on, whole blocks again."""
        k, size = self.largest.shape[1], self.scores.shape[1]
        by_block = _by_block(scores, size)
        largest = tf.reduce_max(by_block, axis=2)
        # Only posts that have a better block now: fewer and fewer. A tie goes to the earlier one.
        posts = tf.where(tf.reduce_max(largest, axis=1) > self.largest[:, -1])
        post = tf.cast(posts[:, 0], tf.int32)
        candidates = tf.concat([tf.gather(self.largest, post), tf.gather(largest, post)], axis=1)
        best, place = tf.math.top_k(candidates, k)
        is_new = place >= k
        # The blocks that stay are the first of the old ones; the slots of the last become free.
        number = tf.cumsum(tf.cast(is_new, tf.int32), axis=1)
        old = tf.where(is_new, k - number[:, -1:] + number - 1, place)
        slots = tf.gather(tf.gather(self.slots, post), old, batch_dims=1)
        old_blocks = tf.gather(tf.gather(self.blocks, post), old, batch_dims=1)
        blocks = tf.where(is_new, start // size + place - k, old_blocks)
        row = post[:, tf.newaxis] * tf.shape(largest)[1] + place - k
        return BestBlocks(
            tf.tensor_scatter_nd_update(self.largest, posts, best),
            tf.tensor_scatter_nd_update(self.blocks, posts, blocks),
            tf.tensor_scatter_nd_update(self.slots, posts, slots),
            tf.tensor_scatter_nd_update(
                self.scores,
                tf.boolean_mask(slots, is_new)[:, tf.newaxis],
                tf.gather(tf.reshape(by_block, [-1, size]), tf.boolean_mask(row, is_new)),
            ),
        )

    def merge_rest(self, scores: tf.Tensor, start: tf.Tensor) -> "BestBlocks":
        """Takes the last tags, of any number T, none included."""
        # A block is filled up at its end, where scores of -inf lose their ties too.
        fill = -tf.shape(scores)[1] % self.scores.shape[1]
        filled = tf.pad(scores, [[0, 0], [0, fill]], constant_values=-math.inf)
        return self.merge(filled, start)

    def top_k(self) -> tuple[tf.Tensor, tf.Tensor]:
        """The k best tags: scores float [P, k] and ids int32 [P, k], best first."""
        k, size = self.largest.shape[1], self.scores.shape[1]
        # By ascending block, so that `tf.math.top_k`, which takes the first of equals, takes the
        # lower tag.
        order = tf.argsort(self.blocks, axis=1)
        slots = tf.gather(self.slots, order, batch_dims=1)
        candidates = tf.reshape(tf.gather(self.scores, slots), [-1, k * size])
        best, place = tf.math.top_k(candidates, k)
        blocks = tf.gather(self.blocks, order, batch_dims=1)
        return best, tf.gather(blocks, place // size, batch_dims=1) * size + place % size


def _by_block(scores: tf.Tensor, size: int) -> tf.Tensor:
    """[P, T] -> [P, T / size, size]; P and T may be 0."""
    num_posts, num_tags = tf.unstack(tf.shape(scores))
    return tf.reshape(scores, [num_posts, num_tags // size, size])
