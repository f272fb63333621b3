"""Max-norm as a projection onto the set of matrices whose vectors have a bounded norm."""

from collections.abc import Iterable

import keras
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

    Example:
        >>> project_max_norm(tf.constant([[3.0, 0.3], [4.0, 0.4]]), 1.0, axis=0).numpy().round(2)
        array([[0.6, 0.3],
               [0.8, 0.4]], dtype=float32)
    """
    norm = tf.norm(values, axis=axis, keepdims=True)
    is_outside = norm > radius
    scale = tf.where(is_outside, radius / norm, tf.ones_like(norm))
    # Selected, not multiplied by 1: TensorFlow's products flush subnormal numbers to zero.
    return tf.where(is_outside, values * scale, values)


def project_columns(weights: Iterable[keras.Variable], radius: float) -> None:
    """Projects every column of some weights, each of shape [length, vectors], in place.

    Under a `tf.distribute` strategy each replica writes its own copy; all do the same.
    """
    for weight in weights:
        projected = project_max_norm(tf.convert_to_tensor(weight), radius, axis=0)
        tf.raw_ops.AssignVariableOp(resource=weight.value.handle, value=projected)


def max_norm_weights(layer: keras.layers.Layer) -> list[keras.Variable]:
    """The weights whose columns max-norm bounds: the layer's attribute `max_norm_weights`.

    For a functional or sequential model, those of its layers.
    """
    weights = getattr(layer, "max_norm_weights", None)  # AutoGraph converts no :=
    if weights is not None:
        return list(weights)
    return [w for inner in getattr(layer, "layers", ()) for w in max_norm_weights(inner)]
