"""Loading the CNN that a flag names: a stock one, a `.keras` file or a SavedModel."""

import sys
import types
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import tensorflow as tf

from tagkeras.cli.errors import UserError
from tagkeras.images.cnn.descriptor_model import DescriptorCnn

_SIGNATURE = tf.saved_model.DEFAULT_SERVING_SIGNATURE_DEF_KEY
IMAGENET = "imagenet"
# A layer of this name in a saved model is its descriptor.
DESCRIPTOR_LAYER = "descriptor"
# Of stock models that take images of any size: what they were trained on.
_ANY_SIZE_SHAPE = (None, 224, 224, 3)


def load_cnn(name: str, *, layer: str | None = None, weights: str = IMAGENET) -> DescriptorCnn:
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
        model, module = _load_stock_model(name, weights)
        return cut_off(model, layer, name, preprocess=module.preprocess_input)
    if weights != IMAGENET:
        raise UserError(f"--cnn_weights={weights}: {name} has its own weights, leave it out")
    if is_saved_model:
        return _load_saved_model(name, layer)
    model = _load_keras_file(name)
    return cut_off(model, layer or _default_layer(model, name), name)


def stock_models() -> dict[str, Callable[..., keras.Model]]:
    """The functions of `keras.applications` that make models, by name."""
    return {n: f for n, f in vars(keras.applications).items() if n[0].isupper() and callable(f)}


def cut_off(
    model: keras.Model,
    layer: str | None,
    name: str,
    preprocess: Callable[[Any], Any] | None = None,
) -> DescriptorCnn:
    """The part of a Functional or Sequential model from the image to a layer.

    The layer is by default what the classifier sees; `preprocess` is applied to pixels in [0, 255]
    first, of stock models only.

    Raises:
        UserError: no such layer, or the model does not take RGB images of one size.
    """
    output = _descriptor_of(model, layer, name)
    try:
        body = keras.Model(model.inputs[0], output)
    except (ValueError, AttributeError) as error:
        raise UserError(f"--cnn={name}: layer {layer} does not follow from the image") from error
    shape = model.inputs[0].shape
    if preprocess and None in shape[1:]:
        shape = _ANY_SIZE_SHAPE
    if len(shape) != 4 or shape[-1] != 3 or None in shape[1:]:
        raise UserError(
            f"--cnn={name} takes inputs of shape {shape}:"
            " it must take RGB images of one size, [batch, height, width, 3]"
        )
    pixels = keras.Input(shape[1:], name="pixels")
    described = body(preprocess(pixels) if preprocess else pixels, training=False)
    described = keras.layers.Flatten(name=DESCRIPTOR_LAYER)(described)
    # The CNN is part of a SavedModel with float32 descriptors, whatever it computes in.
    described = keras.ops.cast(described, "float32")
    cut = keras.Model(pixels, described)
    return DescriptorCnn(
        name,
        layer or output._keras_history.operation.name,
        (shape[1], shape[2]),
        cut.output_shape[-1],
        lambda images: cut(images, training=False),
        [weight.value for weight in cut.weights],
    )


def _load_stock_model(name: str, weights: str) -> tuple[keras.Model, types.ModuleType]:
    makers = stock_models()
    if name not in makers:
        raise UserError(
            f"--cnn={name}: no such model; give the path of a .keras file or a SavedModel, or one"
            f" of {', '.join(sorted(makers))}"
        )
    if weights != IMAGENET and not Path(weights).is_file():
        raise UserError(f"--cnn_weights={weights}: no such file")
    make = makers[name]
    module = sys.modules[make.__module__]
    try:
        if weights == IMAGENET:
            return make(weights=IMAGENET), module
        model = make(weights=None)
    except Exception as error:  # Keras raises a bare Exception when a download fails
        raise UserError(
            f"--cnn={name}: no ImageNet weights here and no way to download them"
            f" ({_brief(error)}): give --cnn_weights=PATH"
        ) from error
    try:
        with warnings.catch_warnings(action="ignore"):
            model.load_weights(weights)
    except Exception as error:
        raise UserError(
            f"--cnn_weights={weights}: no weights of {name} with 1000 classes: {_brief(error)}"
        ) from error
    return model, module


def _load_keras_file(path: str) -> keras.Model:
    if not Path(path).is_file():
        raise UserError(f"--cnn={path}: no such file")
    try:
        model = keras.saving.load_model(path, compile=False)
    except Exception as error:  # Keras raises whatever the damage leads to
        raise UserError(f"--cnn={path}: Keras cannot load it: {_brief(error)}") from error
    if not getattr(model, "inputs", None) or len(model.inputs) != 1:
        raise UserError(f"--cnn={path}: save a Functional or Sequential model with one input")
    return model


def _default_layer(model: keras.Model, name: str) -> str:
    names = [layer.name for layer in model.layers if not isinstance(layer, keras.layers.InputLayer)]
    if DESCRIPTOR_LAYER in names:
        return DESCRIPTOR_LAYER
    if len(names) < 2:
        raise UserError(f"--cnn={name} has no layer before its last: give --cnn_layer")
    return names[-2]


def _descriptor_of(model: keras.Model, layer: str | None, name: str) -> Any:
    """The symbolic tensor of the descriptor."""
    if layer is None:
        # The classifier is the last layer with weights, and what may follow it.
        classifier = [layer for layer in model.layers if layer.weights][-1]
        return classifier.input
    try:
        output = model.get_layer(layer).output
    except ValueError as error:
        raise UserError(
            f"--cnn_layer={layer}: {name} has no such layer; its last ones are"
            f" {', '.join(layer.name for layer in model.layers[-5:])}"
        ) from error
    except AttributeError as error:
        raise UserError(f"--cnn_layer={layer}: it is used more than once in {name}") from error
    if isinstance(output, (list, tuple, dict)):
        raise UserError(f"--cnn_layer={layer}: it has more than one output")
    return output


def _load_saved_model(path: str, output: str | None) -> DescriptorCnn:
    """A SavedModel whose default signature takes pixels; `output` is None if it has only one."""
    try:
        loaded = tf.saved_model.load(path)
        signature = loaded.signatures[_SIGNATURE]
    except Exception as error:  # TensorFlow raises whatever the damage leads to
        raise UserError(
            f"--cnn={path}: no SavedModel with a signature {_SIGNATURE} that TensorFlow can load:"
            f" {_brief(error)}"
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
    names = ", ".join(sorted(outputs))
    if output is None:
        if len(outputs) != 1:
            raise UserError(f"--cnn={path}: choose --cnn_layer of its outputs {names}")
        (output,) = outputs
    if output not in outputs:
        raise UserError(f"--cnn_layer={output}: {path} has no such output but {names}")
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


def _brief(error: Exception) -> str:
    """The first line of what a library says."""
    return (str(error).strip() or type(error).__name__).splitlines()[0][:200]
