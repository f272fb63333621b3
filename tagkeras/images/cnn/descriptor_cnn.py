"""The CNN that describes images: a stock one by name, or one that somebody saved."""

import dataclasses
import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf


@dataclasses.dataclass(frozen=True, eq=False)
class DescriptorCnn:
    """A CNN cut off where its output describes the image.

    Attributes:
        name: as given: of `keras.applications`, or the path of a saved model.
        layer: name of the layer or output that is the descriptor, flattened.
        image_size: height and width of the images that it takes.
        descriptor_size: length n of a descriptor.
        describe: float32 [B, height, width, 3] in [0, 255] to float32 [B, n], in graph.
        variables: of the CNN.
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
