"""The rank weight L(r) = 1 + 1/2 + ... + 1/r and the estimate of the rank it is taken at."""

import tensorflow as tf

EULER_GAMMA = 0.5772156649015329


def rank_weight(rank: tf.Tensor) -> tf.Tensor:
    """L(r), the r-th harmonic number, as float32.

    Args:
        rank: integers of at least 1, any shape.

    Returns:
        float32 tensor of the same shape: psi(r + 1) + Euler's constant, which is the sum.

    References:
        Weston, Bengio, Usunier, "WSABIE" (IJCAI 2011), equation 4 with alpha_i = 1/i.
    """
    return tf.math.digamma(tf.cast(rank, tf.float32) + 1.0) + EULER_GAMMA


def estimate_rank(num_candidates: tf.Tensor, draws: tf.Tensor) -> tf.Tensor:
    """max(1, floor(candidates / draws)): N draws until a violator make a rank of about (Y - t) / N.

    Args:
        num_candidates: Y - t, how many tags are not on the post, integers of at least 0.
        draws: N, integers of at least 1, same shape and dtype.
    """
    return tf.maximum(num_candidates // draws, 1)
