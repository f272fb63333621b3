"""A CNN of Keras: a stock one by name, or one saved as a `.keras` file."""

import sys
import types
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras

from tagkeras.cli.errors import UserError
from tagkeras.images.cnn.descriptor_model import DescriptorCnn

IMAGENET = "imagenet"
# A layer of this name in a saved model is its descriptor.
DESCRIPTOR_LAYER = "descriptor"
# Of stock models that take images of any size: what they were trained on.
_ANY_SIZE_SHAPE = (None, 224, 224, 3)


def stock_models() -> dict[str, Callable[..., keras.Model]]:
    """The functions of `keras.applications` that make models, by name."""
    return {n: f for n, f in vars(keras.applications).items() if n[0].isupper() and callable(f)}


def load_application(name: str, layer: str | None, weights: str) -> DescriptorCnn:
    """A stock model with its own preprocessing; see `load_cnn`."""
    model, module = _load_weights(name, weights)
    return cut_off(model, layer, name, preprocess=module.preprocess_input)


def load_file(path: str, layer: str | None) -> DescriptorCnn:
    """The model of a `.keras` file; see `load_cnn`."""
    model = _load_saved(path)
    return cut_off(model, layer or _default_layer(model, path), path)


def cut_off(
    model: keras.Model,
    layer: str | None,
    name: str,
    preprocess: Callable[[Any], Any] | None = None,
) -> DescriptorCnn:
    """The part of a model from the image to a layer.

    Args:
        model: Functional or Sequential, with one input.
        layer: whose output is the descriptor; by default what the classifier sees.
        name: of the model, as given.
        preprocess: applied to pixels in [0, 255] first; of stock models only.

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
        layer or _producer(output),
        (shape[1], shape[2]),
        cut.output_shape[-1],
        lambda images: cut(images, training=False),
        [weight.value for weight in cut.weights],
    )


def _load_weights(name: str, weights: str) -> tuple[keras.Model, types.ModuleType]:
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
            f" ({brief(error)}): give --cnn_weights=PATH"
        ) from error
    try:
        with warnings.catch_warnings(action="ignore"):
            model.load_weights(weights)
    except Exception as error:
        raise UserError(
            f"--cnn_weights={weights}: no weights of {name} with 1000 classes: {brief(error)}"
        ) from error
    return model, module


def _load_saved(path: str) -> keras.Model:
    if not Path(path).is_file():
        raise UserError(f"--cnn={path}: no such file")
    try:
        model = keras.saving.load_model(path, compile=False)
    except Exception as error:  # Keras raises whatever the damage leads to
        raise UserError(f"--cnn={path}: Keras cannot load it: {brief(error)}") from error
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


def _producer(tensor: Any) -> str:
    """The name of the layer that a symbolic tensor comes out of."""
    operation, _, _ = tensor._keras_history
    return operation.name


def brief(error: Exception) -> str:
    """The first line of what a library says."""
    return (str(error).strip() or type(error).__name__).splitlines()[0][:200]
