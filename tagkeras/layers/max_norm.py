"""Projection onto the set of matrices whose vectors have a bounded norm."""

import tensorflow as tf


def project_max_norm(values: tf.Tensor, radius: float, axis: int) -> tf.Tensor:
    """Scales down every vector along `axis` whose L2 norm exceeds `radius`.

    The Euclidean projection onto {v : |v| <= radius} (Denton et al., section 4.4). Vectors inside
    the ball come back bit for bit.

    Args:
        values: float tensor of any rank.
        radius: the largest norm allowed, above 0.
        axis: the axis along which a vector runs: 0 for the columns of a matrix, 1 for its rows.

    Returns:
        A tensor of the shape of `values`.
    """
    norm = tf.norm(values, axis=axis, keepdims=True)
    is_outside = norm > radius
    scale = tf.where(is_outside, radius / norm, tf.ones_like(norm))
    # Chosen, not multiplied by 1: TensorFlow's products flush subnormal numbers to zero.
    return tf.where(is_outside, values * scale, values)
