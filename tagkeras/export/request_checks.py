"""Checks of a request in the graph: servers leave shapes to it."""

from collections.abc import Sequence

import tensorflow as tf

Tensors = dict[str, tf.Tensor]


def check_request(inputs: Sequence[tf.Tensor], specs: Sequence[tf.TensorSpec]) -> Tensors:
    """The inputs of a request by name, once they have the shapes of their specs.

    A wrong one would fail all requests that share its batch.

    Args:
        inputs: in the order of their specs.
        specs: of each input, named.

    Raises:
        tf.errors.InvalidArgumentError: when the graph runs, telling the shapes.
    """
    return {
        spec.name: tf.ensure_shape(tensor, spec.shape)
        for spec, tensor in zip(specs, inputs, strict=True)
    }


def check_rows(inputs: Tensors) -> Tensors:
    """The inputs of a request, once they have equally many rows.

    Without it a request of one image and three users would be answered, with three answers.

    Raises:
        tf.errors.InvalidArgumentError: when the graph runs, telling how many rows each has.
    """
    rows = tf.stack([tf.shape(tensor)[0] for tensor in inputs.values()])
    names = f"inputs must have equally many rows; {', '.join(inputs)} have"
    check = tf.debugging.Assert(tf.reduce_all(tf.equal(rows, rows[0])), [names, rows], len(inputs))
    with tf.control_dependencies([check]):
        return {name: tf.identity(tensor) for name, tensor in inputs.items()}
