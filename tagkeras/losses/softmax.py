"""Softmax: the cross-entropy over the whole vocabulary."""

import keras
import tensorflow as tf

from tagkeras.data.post_tags import PostTags
from tagkeras.losses.ranking_loss import MASKED_SCORE, Draw, RankingLoss

# Scores held at once: 128 MiB of float32.
MAX_SCORES = 2**25


@keras.saving.register_keras_serializable(package="tagkeras")
class Softmax(RankingLoss):
    """-log(e^f(y+) / sum_y e^f(y)), y over all tags but those that balancing removed.

    Each positive of a post is compared with the whole vocabulary, the post's other tags included,
    as if each (post, tag) pair were an example of one class. Scores are computed in chunks of
    posts, which bounds memory; time and the update of the table grow with Y.

    Example:
        >>> model = tagkeras.models.HashtagModel(tagkeras.layers.BilinearEmbedding(8), num_tags=50)
        >>> model.compile(loss=Softmax())

    References:
        Mahajan et al., "Exploring the Limits of Weakly Supervised Pretraining" (ECCV 2018),
        section 2.2, which trains on hashtags this way.
    """

    def draw(
        self, phi: tf.Tensor, table: tf.Variable, post_tags: PostTags, seed: tf.Tensor
    ) -> Draw:
        """The whole table."""
        del phi, table, seed
        return Draw(None, None, {}, tf.cast(post_tags.is_positive, tf.float32))

    def total(self, phi: tf.Tensor, rows: tf.Tensor, post_tags: PostTags, draw: Draw) -> tf.Tensor:
        """The sum over the positives."""
        del draw
        is_positive = tf.cast(post_tags.is_positive, phi.dtype)
        num_posts = tf.shape(phi)[0]
        positives_of_post = tf.math.unsorted_segment_sum(is_positive, post_tags.post, num_posts)
        sums = _weighted_log_sums(phi, rows, positives_of_post, _removed(post_tags, rows.shape[0]))
        scores = tf.reduce_sum(
            tf.gather(phi, post_tags.post) * tf.gather(rows, post_tags.tag), axis=1
        )
        return sums - tf.reduce_sum(is_positive * scores)


def _removed(post_tags: PostTags, num_tags: int) -> tf.Tensor:
    """The (post, tag) pairs that balancing removed, int64 [E, 2]; other entries have post B.

    Removed pairs are those that are excluded but no positives.
    """
    num_posts = tf.shape(post_tags.num_excluded, out_type=tf.int64)[0]
    own = tf.cast(post_tags.post, tf.int64) * num_tags + post_tags.tag
    excluded_post = tf.cast(post_tags.excluded_post, tf.int64)
    keys = excluded_post * num_tags + post_tags.excluded_tag
    own = tf.sort(tf.where(post_tags.is_positive, own, -1))
    own = tf.concat([own, [tf.int64.max]], axis=0)
    is_own = tf.gather(own, tf.searchsorted(own, keys)) == keys
    counts = ~is_own & (post_tags.excluded_tag >= 0)
    return tf.stack(
        [tf.where(counts, excluded_post, num_posts), tf.maximum(post_tags.excluded_tag, 0)], axis=1
    )


def _weighted_log_sums(
    phi: tf.Tensor, table: tf.Tensor, weight: tf.Tensor, removed: tf.Tensor
) -> tf.Tensor:
    """Sum over posts of weight * log sum_y e^<phi, V_y>, without the removed pairs.

    Value and gradients come from one pass over chunks of posts, which never keeps B * Y scores.

    Args:
        phi: float [B, d].
        table: float [Y, d].
        weight: float [B].
        removed: int64 [E, 2] of (post, tag); a post of B or more is padding.
    """
    num_tags, num_posts = table.shape[0], tf.shape(phi)[0]
    chunk = tf.clip_by_value(MAX_SCORES // num_tags, 1, tf.maximum(num_posts, 1))

    @tf.custom_gradient
    def log_sums(phi: tf.Tensor, table: tf.Tensor):  # type: ignore[no-untyped-def]
        num_chunks = -(-num_posts // chunk)
        padding = num_chunks * chunk - num_posts
        phi_chunks = tf.reshape(
            tf.pad(phi, [[0, padding], [0, 0]]), [num_chunks, chunk, phi.shape[1]]
        )
        weight_chunks = tf.reshape(tf.pad(weight, [[0, padding]]), [num_chunks, chunk])

        def add_chunk(number, total, phi_gradients, table_gradient):  # type: ignore[no-untyped-def]
            phi_chunk, weights = phi_chunks[number], weight_chunks[number][:, tf.newaxis]
            post = tf.cast(removed[:, 0], tf.int32) - number * chunk
            is_here = (post >= 0) & (post < chunk)
            at = tf.stack(
                [tf.where(is_here, post, chunk), tf.cast(removed[:, 1], tf.int32)], axis=1
            )
            scores = tf.matmul(phi_chunk, table, transpose_b=True)
            # Pairs of other chunks go to one more row, so that shapes stay static.
            scores = tf.tensor_scatter_nd_update(
                tf.pad(scores, [[0, 1], [0, 0]]), at, tf.fill(tf.shape(post), MASKED_SCORE)
            )[:chunk]
            log_sum = tf.reduce_logsumexp(scores, axis=1, keepdims=True)
            gradient = weights * tf.exp(scores - log_sum)
            return (
                number + 1,
                total + tf.reduce_sum(weights * log_sum),
                tf.tensor_scatter_nd_update(
                    phi_gradients, [[number]], [tf.matmul(gradient, table)]
                ),
                table_gradient + tf.matmul(gradient, phi_chunk, transpose_a=True),
            )

        _, total, phi_gradients, table_gradient = tf.while_loop(
            lambda number, *_: number < num_chunks,
            add_chunk,
            (tf.constant(0), tf.constant(0.0), tf.zeros_like(phi_chunks), tf.zeros_like(table)),
        )
        phi_gradient = tf.reshape(phi_gradients, [-1, phi.shape[1]])[:num_posts]

        def gradients(upstream: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
            return upstream * phi_gradient, upstream * table_gradient

        return total, gradients

    return log_sums(phi, table)
