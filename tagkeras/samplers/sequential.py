"""WARP negatives as defined: independent draws for each positive."""

import keras
import tensorflow as tf

from tagkeras.data.post_tags import PostTags
from tagkeras.samplers.sampler import Negatives, Sampler

# Rows gathered and scored at once, which bounds memory; a batch of more positives takes one row for
# each.
MAX_ROWS = 2**18


@keras.saving.register_keras_serializable(package="tagkeras")
class Sequential(Sampler):
    """Draws for every positive independently, in blocks that double as long as memory allows.

    Only positives without a violator draw the next block. No two positives share a draw: exact, but
    slow where violators are rare. How many positives go on drawing depends on the data, which XLA
    cannot compile.

    Example:
        >>> loss = tagkeras.losses.Warp(sampler=Sequential(max_negatives=200))
    """

    def sample(
        self,
        phi: tf.Tensor,
        table: tf.Variable,
        post_tags: PostTags,
        thresholds: tf.Tensor,
        seed: tf.Tensor,
    ) -> Negatives:
        """The negatives of a batch.

        Raises:
            ValueError: `post_tags` is padded, as for XLA.
        """
        if post_tags.is_padded:
            raise ValueError("the sequential sampler cannot be compiled: choose pooled")
        has_candidates = post_tags.has_candidates(table.shape[0])
        zeros = tf.zeros_like(post_tags.post)
        nothing = Negatives(
            tf.zeros_like(post_tags.tag),
            tf.where(has_candidates, self.max_negatives, zeros),
            zeros > 0,
        )

        def draw_block(
            drawn: tf.Tensor, block: tf.Tensor, pending: tf.Tensor, negatives: Negatives
        ) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor, Negatives]:
            room = tf.maximum(MAX_ROWS // tf.size(pending), 1)
            block = tf.minimum(tf.minimum(block, room), self.max_negatives - drawn)
            post = tf.gather(post_tags.post, pending)
            block_seed = tf.random.experimental.stateless_fold_in(seed, drawn)
            tags = post_tags.draw_candidates(post, table.shape[0], block, block_seed)
            scores = tf.linalg.matvec(tf.gather(table, tags), tf.gather(phi, post))
            violates = scores > tf.gather(thresholds, pending)[:, tf.newaxis]
            found = tf.reduce_any(violates, axis=1)
            column = tf.argmax(tf.cast(violates, tf.int8), axis=1, output_type=tf.int32)
            tag = tf.gather(tags, column, batch_dims=1)
            at = tf.boolean_mask(pending, found)[:, tf.newaxis]
            negatives = Negatives(
                tf.tensor_scatter_nd_update(negatives.tag, at, tf.boolean_mask(tag, found)),
                tf.tensor_scatter_nd_update(
                    negatives.draws, at, tf.boolean_mask(drawn + 1 + column, found)
                ),
                tf.tensor_scatter_nd_update(negatives.found, at, tf.boolean_mask(found, found)),
            )
            return drawn + block, 2 * block, tf.boolean_mask(pending, ~found), negatives

        pending = tf.cast(tf.where(has_candidates)[:, 0], tf.int32)
        *_, negatives = tf.while_loop(
            lambda drawn, block, pending, negatives: (
                (drawn < self.max_negatives) & (tf.size(pending) > 0)
            ),
            draw_block,
            (tf.constant(0), tf.constant(1), pending, nothing),
            shape_invariants=(
                tf.TensorShape([]),
                tf.TensorShape([]),
                tf.TensorShape([None]),
                Negatives(*(value.shape for value in nothing)),
            ),
        )
        return negatives
