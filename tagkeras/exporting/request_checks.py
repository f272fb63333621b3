"""Checks of a request in the graph: servers leave shapes to it."""

from collections.abc import Sequence

import tensorflow as tf

Tensors = dict[str, tf.Tensor]


def check_request(inputs: Sequence[tf.Tensor], specs: Sequence[tf.TensorSpec]) -> Tensors:
    """The inputs of a request by name, once they have the shapes of their specs and as many rows.

    Without it a request of one image and three users would be answered, with three answers, and one
    with a wrong shape would fail all those that share its batch.

    Args:
        inputs: in the order of their specs.
        specs: of each input, named; their first dimension is that of rows.

    Raises:
        tf.errors.InvalidArgumentError: when the graph runs, naming what does not fit.
    """
    shaped = {
        spec.name: tf.ensure_shape(tensor, spec.shape)
        for spec, tensor in zip(specs, inputs, strict=True)
    }
    if len(shaped) == 1:
        return shaped
    rows = tf.stack([tf.shape(tensor)[0] for tensor in shaped.values()])
    names = ", ".join(shaped)
    message = tf.strings.join([f"inputs must have equally many rows; {names} have ", _listed(rows)])
    with tf.control_dependencies([tf.debugging.Assert(tf.reduce_all(rows == rows[0]), [message])]):
        return {name: tf.identity(tensor) for name, tensor in shaped.items()}


def _listed(numbers: tf.Tensor) -> tf.Tensor:
    return tf.strings.reduce_join(tf.strings.as_string(numbers), separator=", ")
