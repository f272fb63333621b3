"""A loaded model that predicts for the posts of a block."""

import dataclasses
from collections.abc import Callable, Mapping, Sequence

import numpy as np
import tensorflow as tf

from beam.images.describer import DescribedImages, ImageDescriber
from beam.predict.exported_model import (
    HASHTAGS,
    IMAGE_EMBEDDING,
    USER_EMBEDDING,
    ExportedModel,
)
from beam.running import storage
from tagkeras.cli.errors import UserError

# Posts that are scored at once: so many rows of scores for the whole vocabulary are in memory.
_BATCH = 64

Arrays = dict[str, np.ndarray]


@dataclasses.dataclass
class Predictions:
    """What came of the posts of a block.

    Attributes:
        images: which posts have a good image, and what is wrong with the others; None if the posts
            came with descriptors.
        outputs: an array for each output column, with a row for each good post.
    """

    images: DescribedImages | None
    outputs: Arrays


class Predictor:
    """Predicts with an exported model. Its one method may be called from other processes.

    Args:
        model: what to load.
        outputs: of `exported_model.OUTPUTS`.
    """

    def __init__(self, model: ExportedModel, outputs: Sequence[str]) -> None:
        if not storage.exists(storage.join(model.path, "saved_model.pb")):
            raise UserError(
                f"--model={model.path}: a worker does not see it: put it on a disk that all share,"
                " or give a URI"
            )
        with storage.reading_folder(model.path) as local:
            # Kept, since the signatures do not keep the variables.
            self._loaded = tf.saved_model.load(str(local))
        self._signatures = self._loaded.signatures
        self._model = model
        self._outputs = outputs
        self._describer: ImageDescriber | None = None
        if model.image_size is not None:
            describe = self._signatures["pixels_descriptor"]
            self._describer = ImageDescriber(
                lambda pixels: describe(pixels=pixels)["descriptor"],
                model.image_size,
                model.descriptor_size,
            )

    def predict(
        self, images: Sequence[tuple[bytes, bool]] | None, descriptors: np.ndarray, users: Arrays
    ) -> Predictions:
        """Predicts for some posts.

        Args:
            images: of each the content, or its path and True; None for ready descriptors.
            descriptors: float32 [B, n], if there are no images.
            users: the raw facts of each, as the signatures take them.
        """
        described = None
        if images is not None:
            assert self._describer is not None
            described = self._describer.describe(images)
            descriptors = described.descriptors
            users = {name: values[described.good] for name, values in users.items()}
        batches = [
            self._predict_batch(
                descriptors[start : start + _BATCH],
                {name: values[start : start + _BATCH] for name, values in users.items()},
            )
            # One empty batch where there are no posts, for the columns' sake.
            for start in range(0, max(len(descriptors), 1), _BATCH)
        ]
        outputs = {name: np.concatenate([batch[name] for batch in batches]) for name in batches[0]}
        return Predictions(described, outputs)

    def _predict_batch(self, descriptors: np.ndarray, users: Arrays) -> Arrays:
        user = {name: tf.constant(values) for name, values in users.items()}
        both = {"descriptor": tf.constant(descriptors, tf.float32), **user}
        result: Arrays = {}
        if HASHTAGS in self._outputs:
            ranked = _call(self._signatures["descriptor"], both)
            result |= {"hashtags": ranked["hashtags"], "scores": ranked["scores"]}
        if IMAGE_EMBEDDING in self._outputs:
            embed = self._signatures[self._model.embedding_signature]
            result[IMAGE_EMBEDDING] = _call(embed, both)["embedding"]
        if USER_EMBEDDING in self._outputs:
            embed = self._signatures["user_embedding"]
            result[USER_EMBEDDING] = _call(embed, user)["embedding"]
        return result


def _call(
    signature: Callable[..., dict[str, tf.Tensor]], inputs: Mapping[str, tf.Tensor]
) -> Arrays:
    return {name: tensor.numpy() for name, tensor in signature(**inputs).items()}
