"""The product of L2-normalised descriptors with a weight, as fast as the product without."""

import contextlib
import contextvars
from collections.abc import Iterator

import tensorflow as tf

_is_for_xla = contextvars.ContextVar("is_for_xla", default=True)


@contextlib.contextmanager
def not_for_xla() -> Iterator[None]:
    """Products traced in this block may use an op that XLA lacks."""
    token = _is_for_xla.set(False)
    try:
        yield
    finally:
        _is_for_xla.reset(token)


def normalized_product(
    descriptor: tf.Tensor, weight: tf.Tensor, *, transpose_weight: bool = False
) -> tf.Tensor:
    """(x / |x|) W for each row x of `descriptor`; a row of zeros gives zeros.

    Written for speed. The product is scaled instead of the descriptor, by far the largest tensor of
    a step. And the gradient of a W with few columns is computed transposed, which takes half the
    time on a CPU.

    In lower precision than float32 the descriptor is normalised first, in float32: raw values and
    their squares may lie beyond the range of float16.

    Args:
        descriptor: float [B, n].
        weight: float [n, k], in the dtype to compute in.
        transpose_weight: `weight` is [k, n], and its transpose is meant.

    Returns:
        [B, k] in the dtype of `weight`.

    Example:
        >>> normalized_product(tf.constant([[3.0, 4.0], [0.0, 0.0]]), tf.eye(2)).numpy().round(2)
        array([[0.6, 0.8],
               [0. , 0. ]], dtype=float32)
    """
    values = tf.cast(descriptor, tf.float32)
    scale = 1 / tf.maximum(_norms(values), 1e-12)
    if weight.dtype != tf.float32:
        return _product(tf.cast(values * scale, weight.dtype), weight, transpose_weight)
    return _product(values, weight, transpose_weight) * scale


@tf.custom_gradient
def _norms(values: tf.Tensor):  # type: ignore[no-untyped-def]
    """The norms of the rows of float32 [B, n], as [B, 1]; the gradient of a row of zeros is 0.

    `reduce_euclidean_norm` makes no copy of what is the largest tensor of a step.
    """
    if _is_for_xla.get():
        norms = tf.sqrt(tf.reduce_sum(tf.square(values), axis=1, keepdims=True))
    else:
        norms = tf.math.reduce_euclidean_norm(values, axis=1, keepdims=True)
    return norms, lambda upstream: upstream * values / tf.maximum(norms, 1e-12)


def _product(left: tf.Tensor, weight: tf.Tensor, transpose_weight: bool) -> tf.Tensor:
    @tf.custom_gradient
    def product(left: tf.Tensor, weight: tf.Tensor):  # type: ignore[no-untyped-def]
        def gradients(upstream: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
            by_left = tf.matmul(upstream, weight, transpose_b=not transpose_weight)
            by_weight = tf.matmul(upstream, left, transpose_a=True)
            return by_left, by_weight if transpose_weight else tf.transpose(by_weight)

        return tf.matmul(left, weight, transpose_b=transpose_weight), gradients

    return product(left, weight)
