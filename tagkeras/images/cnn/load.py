"""Loading the CNN that a flag names."""

from pathlib import Path

from tagkeras.cli.errors import UserError
from tagkeras.images.cnn import keras_cnn, saved_model_cnn
from tagkeras.images.cnn.descriptor_cnn import DescriptorCnn


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
        return saved_model_cnn.load(name, layer)
    return keras_cnn.load_file(name, layer)
