"""The CNN that describes images: a stock one by name, or a saved Keras model."""

import dataclasses
import hashlib
import sys
import types
import warnings
from pathlib import Path
from typing import Any

import keras
import numpy as np

from tagkeras.errors import UserError

# A layer of this name in a saved model is its descriptor.
DESCRIPTOR_LAYER = "descriptor"
IMAGENET = "imagenet"
# Of stock models that take images of any size: what they were trained on.
_ANY_SIZE_SHAPE = (None, 224, 224, 3)


@dataclasses.dataclass(frozen=True, eq=False)
class DescriptorCnn:
    """A CNN cut off at the layer whose output describes the image.

    Attributes:
        name: as given: of `keras.applications`, or the path of a `.keras` file.
        layer: name of the layer whose output is the descriptor, flattened.
        weights: `imagenet` or the path they came from.
        model: float32 [B, height, width, 3] in [0, 255] to float32 [B, n].
    """

    name: str
    layer: str
    weights: str
    model: keras.Model

    @property
    def image_size(self) -> tuple[int, int]:
        """Height and width of the images that the model takes."""
        _, height, width, _ = self.model.input_shape
        return height, width

    @property
    def descriptor_size(self) -> int:
        """Length n of a descriptor."""
        return self.model.output_shape[-1]

    def weights_sha256(self) -> str:
        """A hash of the weights' values, in hexadecimal digits."""
        digest = hashlib.sha256()
        for weight in self.model.weights:
            value = np.ascontiguousarray(weight.numpy())
            digest.update(f"{value.dtype}{value.shape}".encode())
            digest.update(value.data)
        return digest.hexdigest()


def load_cnn(name: str, *, layer: str | None = None, weights: str = IMAGENET) -> DescriptorCnn:
    """Loads a CNN and cuts it off at a layer.

    Args:
        name: a function of `keras.applications`, such as `MobileNetV2`, or the path of a `.keras`
            file. A stock model is given its own preprocessing; a saved one gets raw pixels.
        layer: whose output is the descriptor. By default, of a stock model what the classifier
            sees; of a saved one the layer `descriptor` or, without it, the last but one.
        weights: of a stock model: `imagenet`, which Keras may have to download, or the path of a
            weights file of the whole model with its 1000 classes.

    Raises:
        UserError: no such model, layer or weights, or a model that is no chain from images.
    """
    if name.endswith(".keras"):
        if weights != IMAGENET:
            raise UserError(f"--cnn_weights={weights}: {name} has its own weights, leave it out")
        model, weights = _load_saved(name), name
        preprocess = None
        if layer is None:
            layer = _default_layer(model, name)
    else:
        model, module = _load_application(name, weights)
        preprocess = module.preprocess_input
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
    return DescriptorCnn(name, layer or _producer(output), weights, keras.Model(pixels, described))


def _load_saved(path: str) -> keras.Model:
    if not Path(path).is_file():
        raise UserError(f"--cnn={path}: no such file")
    try:
        model = keras.saving.load_model(path, compile=False)
    except Exception as error:  # Keras raises whatever the damage leads to
        raise UserError(f"--cnn={path}: Keras cannot load it: {_brief(error)}") from error
    if not getattr(model, "inputs", None) or len(model.inputs) != 1:
        raise UserError(f"--cnn={path}: save a Functional or Sequential model with one input")
    return model


def _load_application(name: str, weights: str) -> tuple[keras.Model, types.ModuleType]:
    makers = {n: f for n, f in vars(keras.applications).items() if n[0].isupper() and callable(f)}
    if name not in makers:
        raise UserError(
            f"--cnn={name}: no such model; give the path of a .keras file or one of"
            f" {', '.join(sorted(makers))}"
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


def _brief(error: Exception) -> str:
    """The first line of what a library says."""
    return (str(error).strip() or type(error).__name__).splitlines()[0][:200]
