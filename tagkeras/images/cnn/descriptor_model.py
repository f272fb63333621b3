"""The CNN that describes images, and the descriptor model: its SavedModel, from image bytes on.

`beam.preprocess` writes one beside the records that it made with it, and `tagkeras.export` puts it
into the exported model, so that training and serving see the same descriptors.
"""

import dataclasses
import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from tagkeras.cli import files
from tagkeras.cli.errors import UserError
from tagkeras.images.image_decoder import ImageDecoder

FOLDER = "descriptor_model"
_FROM_PIXELS = "from_pixels"


@dataclasses.dataclass(frozen=True, eq=False)
class DescriptorCnn:
    """A CNN cut off where its output describes the image.

    Attributes:
        name: as given: of `keras.applications`, or the path of a saved model.
        layer: name of the layer or output that is the descriptor, flattened.
        image_size: height and width of the images that it takes.
        descriptor_size: length n of a descriptor.
        describe: float32 [B, height, width, 3] in [0, 255] to float32 [B, n], in graph.
        resources: whatever else `describe` needs to be saved with it.
    """

    name: str
    layer: str
    image_size: tuple[int, int]
    descriptor_size: int
    describe: Callable[[tf.Tensor], tf.Tensor]
    variables: Sequence[tf.Variable]
    resources: Any = None

    @property
    def short_name(self) -> str:
        """The name without folders: what may be told of a path."""
        return Path(self.name).name

    def weights_sha256(self) -> str:
        """A hash of the weights' values, in hexadecimal digits."""
        digest = hashlib.sha256()
        for variable in self.variables:
            value = np.ascontiguousarray(variable.numpy())
            digest.update(f"{value.dtype}{value.shape}".encode())
            digest.update(value.data)
        return digest.hexdigest()


class DescriptorModel(tf.Module):
    """A loaded descriptor model. Its weights are tracked, so it may become part of an export.

    Args:
        saved: what `tf.saved_model.load` gave.

    Call arguments:
        encoded: string [B], the content of image files; see `ImageDecoder`.

    Returns:
        float32 [B, n].
    """

    def __init__(self, saved: tf.Module) -> None:
        super().__init__()
        self._saved = saved
        signature = saved.signatures[_FROM_PIXELS]
        (pixels,) = signature.structured_input_signature[1].values()
        self.image_size: tuple[int, int] = (pixels.shape[1], pixels.shape[2])
        self.descriptor_size: int = signature.structured_outputs["descriptor"].shape[1]

    @classmethod
    def load(cls, folder: str | Path) -> "DescriptorModel":
        """Loads what `save_descriptor_model` wrote.

        Raises:
            UserError: there is no descriptor model in `folder`.
        """
        try:
            return cls(tf.saved_model.load(str(folder)))
        except (OSError, AttributeError, KeyError) as error:
            raise UserError(
                f"{folder}: no descriptor model:"
                " name one in a dataset that python -m beam.preprocess made of images"
            ) from error

    def __call__(self, encoded: tf.Tensor) -> tf.Tensor:
        """Descriptors of encoded images: see the class."""
        return self._saved.from_image(encoded)["descriptor"]

    def from_pixels(self, pixels: tf.Tensor) -> tf.Tensor:
        """Descriptors of decoded images: float32 [B, height, width, 3] in [0, 255] to [B, n]."""
        return self._saved.from_pixels(pixels)["descriptor"]


def save_descriptor_model(cnn: DescriptorCnn, folder: str | Path) -> None:
    """Writes the SavedModel of a CNN behind an image decoder.

    Its default signature takes `image` string [None] and gives `descriptor` float32 [None, n]; the
    signature `from_pixels` takes `pixels` float32 [None, height, width, 3] in [0, 255].
    """
    height, width = cnn.image_size
    decoder = ImageDecoder(height, width)
    image = tf.TensorSpec([None], tf.string, "image")
    pixels = tf.TensorSpec([None, height, width, 3], tf.float32, "pixels")
    module = tf.Module()
    module.weights = list(cnn.variables)
    module.resources = cnn.resources
    module.from_pixels = tf.function(
        lambda pixels: {"descriptor": cnn.describe(pixels)},
        input_signature=[pixels],
        autograph=False,
    )
    # A call, not a second trace, of the CNN: half the time to save it.
    module.from_image = tf.function(
        lambda image: module.from_pixels(decoder(image)), input_signature=[image], autograph=False
    )
    signatures = {
        tf.saved_model.DEFAULT_SERVING_SIGNATURE_DEF_KEY: module.from_image,
        _FROM_PIXELS: module.from_pixels,
    }
    with files.written_aside(folder) as aside:
        tf.saved_model.save(module, str(aside), signatures)
