"""Loading the CNN that a flag names: a stock one, a `.keras` file or a SavedModel."""

from pathlib import Path

import tensorflow as tf

from tagkeras.cli.errors import UserError
from tagkeras.images.cnn import keras_cnn
from tagkeras.images.cnn.descriptor_model import DescriptorCnn

_SIGNATURE = tf.saved_model.DEFAULT_SERVING_SIGNATURE_DEF_KEY


def load_cnn(
    name: str, *, layer: str | None = None, weights: str = keras_cnn.IMAGENET
) -> DescriptorCnn:
    """Loads a CNN and cuts it off at a layer.

    Args:
        name: a function of `keras.applications`, such as `MobileNetV2`, or the path of a `.keras`
            file or of a SavedModel's folder. A stock model is given its own preprocessing; a saved
            one gets raw pixels.
        layer: whose output is the descriptor. By default, of a stock model what the classifier
            sees; of a `.keras` file the layer `descriptor` or, without it, the last but one; of a
            SavedModel, whose layers are not known by name, the only output of its default
            signature.
        weights: of a stock model: `imagenet`, which Keras may have to download, or the path of a
            weights file of the whole model with its 1000 classes.

    Raises:
        UserError: no such model, layer or weights, or a model that is no chain from images.
    """
    is_saved_model = (Path(name) / "saved_model.pb").is_file()
    if not is_saved_model and not name.endswith(".keras"):
        return keras_cnn.load_application(name, layer, weights)
    if weights != keras_cnn.IMAGENET:
        raise UserError(f"--cnn_weights={weights}: {name} has its own weights, leave it out")
    if is_saved_model:
        return _load_saved_model(name, layer)
    return keras_cnn.load_file(name, layer)


def _load_saved_model(path: str, output: str | None) -> DescriptorCnn:
    """A SavedModel whose default signature takes pixels; `output` is None if it has only one."""
    try:
        loaded = tf.saved_model.load(path)
        signature = loaded.signatures[_SIGNATURE]
    except Exception as error:  # TensorFlow raises whatever the damage leads to
        raise UserError(
            f"--cnn={path}: no SavedModel with a signature {_SIGNATURE} that TensorFlow can load:"
            f" {keras_cnn.brief(error)}"
        ) from error
    inputs = signature.structured_input_signature[1]
    if len(inputs) != 1:
        raise UserError(f"--cnn={path} takes {len(inputs)} inputs: it must take images alone")
    ((input_name, pixels),) = inputs.items()
    shape = pixels.shape
    if pixels.dtype != tf.float32 or shape.rank != 4 or None in shape[1:] or shape[3] != 3:
        raise UserError(
            f"--cnn={path} takes {pixels.dtype.name} inputs of shape {shape}: it must take RGB"
            " images of one size, float32 [batch, height, width, 3], with pixels from 0 to 255"
        )
    outputs = signature.structured_outputs
    if output is None:
        if len(outputs) != 1:
            raise UserError(f"--cnn={path}: choose --cnn_layer of its outputs {_names(outputs)}")
        (output,) = outputs
    if output not in outputs:
        raise UserError(f"--cnn_layer={output}: {path} has no such output but {_names(outputs)}")
    features = outputs[output].shape[1:]
    if not features.is_fully_defined() or not outputs[output].dtype.is_floating:
        raise UserError(f"--cnn_layer={output}: its values are no floats of one known shape")
    size = features.num_elements()

    def describe(images: tf.Tensor) -> tf.Tensor:
        described = signature(**{input_name: images})[output]
        return tf.cast(tf.reshape(described, [-1, size]), tf.float32)

    variables = sorted(signature.variables, key=lambda variable: variable.name)
    return DescriptorCnn(
        str(Path(path)), output, (shape[1], shape[2]), size, describe, variables, loaded
    )


def _names(outputs: dict[str, tf.TensorSpec]) -> str:
    return ", ".join(sorted(outputs))
