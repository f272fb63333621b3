"""Values of variables as Python numbers."""

import keras
import tensorflow as tf


def read_scalar(variable: keras.Variable) -> float:
    """The value of a variable of shape []; of one that replicas share, that of all together."""
    return float(tf.convert_to_tensor(variable.value))
