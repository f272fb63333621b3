"""The product of a normalised descriptor with a weight, as fast as the product without it."""

from typing import NamedTuple

import tensorflow as tf


class Descriptor(NamedTuple):
    """Image descriptors that are yet to be normalised.

    Attributes:
        values: float32 [B, n].
        norm: float32 [B, 1], the norms of the rows.
    """

    values: tf.Tensor
    norm: tf.Tensor


def norm_of(descriptor: tf.Tensor) -> tf.Tensor:
    """The norms of the rows of float32 [B, n], as [B, 1].

    One pass over the largest tensor of a step, by an op that XLA does not have: what is compiled
    has to take it from outside.
    """
    return tf.math.reduce_euclidean_norm(descriptor, axis=1, keepdims=True)


def normalized_product(
    descriptor: Descriptor, weight: tf.Tensor, *, transpose_weight: bool = False
) -> tf.Tensor:
    """(x / |x|) W for each row x of `descriptor`; a row of zeros gives zeros.

    Written out by itself for speed. The product is scaled instead of the descriptor, which is by
    far the largest tensor of a step: normalised, it would be written and read once more. And the
    gradient by a W with few columns is taken as the transpose of W's gradient transposed, which
    takes half the time on a CPU.

    In lower precision than float32 the descriptor is normalised first, in float32: raw values and
    their squares may lie beyond the range of float16.

    Args:
        descriptor: of B images.
        weight: float [n, k], in the dtype to compute in.
        transpose_weight: `weight` is [k, n], and its transpose is meant.

    Returns:
        [B, k] in the dtype of `weight`.
    """
    scale = 1 / tf.maximum(descriptor.norm, 1e-12)
    if weight.dtype != tf.float32:
        return _product(tf.cast(descriptor.values * scale, weight.dtype), weight, transpose_weight)
    return _product(descriptor.values, weight, transpose_weight) * scale


def _product(left: tf.Tensor, weight: tf.Tensor, transpose_weight: bool) -> tf.Tensor:
    @tf.custom_gradient
    def product(left: tf.Tensor, weight: tf.Tensor):  # type: ignore[no-untyped-def]
        def gradients(upstream: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
            by_left = tf.matmul(upstream, weight, transpose_b=not transpose_weight)
            by_weight = tf.matmul(upstream, left, transpose_a=True)
            return by_left, by_weight if transpose_weight else tf.transpose(by_weight)

        return tf.matmul(left, weight, transpose_b=transpose_weight), gradients

    return product(left, weight)
