"""WARP negatives as the definition reads: draws of its own for each positive."""

import tensorflow as tf

from tagkeras.data.candidates import draw_candidates
from tagkeras.data.post_tags import PostTags
from tagkeras.warp.negative_sampler import Negatives, NegativeSampler

# Rows that are gathered and scored at once, which bounds the memory of late steps.
MOST_ROWS = 2**18


class SequentialSampler(NegativeSampler):
    """Draws for every positive independently, in blocks that double.

    Only positives without a violator draw the next block. No two positives share a draw, so that
    each row drawn is gathered and scored for one of them alone: exact, and slow where violators
    are rare. The number of those that draw on is known only as it happens, which XLA cannot
    compile.

    Args:
        max_negatives: the most draws for a positive.
        margin: of the hinge.

    Raises:
        ValueError: from `sample`, for padded `PostTags`.
    """

    def sample(
        self, phi: tf.Tensor, table: tf.Variable, post_tags: PostTags, seed: tf.Tensor
    ) -> Negatives:
        """See `NegativeSampler.sample`."""
        if post_tags.is_padded:
            raise ValueError("the sequential sampler cannot be compiled: choose pooled")
        thresholds = self.thresholds(phi, table, post_tags)
        has_candidates = self.has_candidates(table, post_tags)
        zeros = tf.zeros_like(post_tags.post)
        negatives = Negatives(
            tf.zeros_like(post_tags.tag),
            tf.where(has_candidates, self.max_negatives, zeros),
            zeros > 0,
        )
        pending = tf.where(has_candidates)[:, 0]
        drawn, block = 0, 1
        while drawn < self.max_negatives:
            block = min(block, self.max_negatives - drawn)
            block_seed = tf.random.experimental.stateless_fold_in(seed, drawn)
            tag, column = self._draw(
                phi, table, post_tags, tf.gather(thresholds, pending), pending, block, block_seed
            )
            found = column < block
            at = tf.boolean_mask(pending, found)[:, tf.newaxis]
            draws = tf.boolean_mask(drawn + 1 + column, found)
            negatives = Negatives(
                tf.tensor_scatter_nd_update(negatives.tag, at, tf.boolean_mask(tag, found)),
                tf.tensor_scatter_nd_update(negatives.draws, at, draws),
                tf.tensor_scatter_nd_update(negatives.found, at, tf.fill(tf.shape(draws), True)),
            )
            pending = tf.boolean_mask(pending, ~found)
            drawn, block = drawn + block, 2 * block
        return negatives

    @staticmethod
    def _draw(
        phi: tf.Tensor,
        table: tf.Variable,
        post_tags: PostTags,
        thresholds: tf.Tensor,
        positives: tf.Tensor,
        block: int,
        seed: tf.Tensor,
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """Draws `block` tags for some positives; the first violator of each and its column."""
        post = tf.gather(post_tags.post, positives)
        drawn = draw_candidates(post_tags, post, table.shape[0], block, seed)
        phi = tf.gather(phi, post)
        rows = max(1, MOST_ROWS // block)

        def find_first(
            start: tf.Tensor, columns: tf.TensorArray
        ) -> tuple[tf.Tensor, tf.TensorArray]:
            part = slice(start, start + rows)
            scores = tf.linalg.matvec(tf.gather(table, drawn[part]), phi[part])
            violates = scores > thresholds[part, tf.newaxis]
            first = tf.argmax(tf.cast(violates, tf.int8), axis=1, output_type=tf.int32)
            first = tf.where(tf.reduce_any(violates, axis=1), first, block)
            return start + rows, columns.write(start // rows, first)

        columns = tf.TensorArray(tf.int32, 0, dynamic_size=True, infer_shape=False)
        _, columns = tf.while_loop(
            lambda start, _: start < tf.shape(post)[0], find_first, (tf.constant(0), columns)
        )
        column = tf.cond(tf.size(post) > 0, columns.concat, lambda: tf.zeros([0], tf.int32))
        tag = tf.gather(drawn, tf.minimum(column, block - 1), batch_dims=1)
        return tag, column
