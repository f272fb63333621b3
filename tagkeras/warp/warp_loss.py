"""The WARP loss of positives and the violators that were drawn for them."""

import tensorflow as tf

from tagkeras.warp.rank_weight import estimate_rank, rank_weight


def warp_loss(
    positive_scores: tf.Tensor,
    negative_scores: tf.Tensor,
    draws: tf.Tensor,
    num_candidates: tf.Tensor,
    margin: float,
) -> tf.Tensor:
    """L(rank) max(0, margin - f(y+) + f(y-)) with rank = max(1, floor((Y - t) / N)).

    Differentiable in the scores; the rank weight is a constant of the draw.

    Args:
        positive_scores: f(y+), float [P].
        negative_scores: f(y-) of the first violator, float [P].
        draws: N, integers of at least 1, [P].
        num_candidates: Y - t, the tags that are not on the post, same dtype as `draws`, [P].
        margin: of the hinge.

    Returns:
        float [P], the loss of each positive.

    References:
        Weston, Bengio, Usunier, "WSABIE" (IJCAI 2011), equations 3 and 7.
    """
    weight = rank_weight(estimate_rank(num_candidates, draws))
    hinge = tf.nn.relu(margin - positive_scores + negative_scores)
    return tf.cast(weight, hinge.dtype) * hinge
