"""Predictions by RunInference."""

import dataclasses
from collections.abc import Callable, Mapping, Sequence

import numpy as np
import pyarrow as pa
import tensorflow as tf

from beam.images.describer import DescribedImages, ImageDescriber
from beam.images.handler import BlockHandler, images_of, keep_described
from beam.posts.descriptors import from_raw, to_lists
from beam.posts.fact_columns import from_arrow
from beam.posts.parse import PostBlock
from beam.predict.config import HASHTAGS, IMAGE_EMBEDDING, USER_EMBEDDING
from beam.predict.exported_model import ExportedModel
from beam.running import storage
from tagkeras.cli.errors import UserError

# Posts that are scored at once: so many rows of scores for the whole vocabulary are in memory.
_BATCH = 64

Arrays = dict[str, np.ndarray]


class Predictor:
    """A loaded model. Its one method may be called from other processes."""

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
        self, images: Sequence[tuple[bytes, bool]] | None, descriptors: np.ndarray, facts: Arrays
    ) -> tuple[DescribedImages | None, Arrays]:
        """Predicts for posts with images, each as `ImageDescriber` takes it, or descriptors [B, n].

        Returns:
            Which posts have a good image and what is wrong with the others, None for ready
            descriptors; and an array for each output column, with a row for each good post.
        """
        described = None
        if images is not None:
            assert self._describer is not None
            described = self._describer.describe(images)
            descriptors = described.descriptors
            facts = {name: values[described.good] for name, values in facts.items()}
        batches = [
            self._predict_batch(
                descriptors[start : start + _BATCH],
                {name: values[start : start + _BATCH] for name, values in facts.items()},
            )
            # One empty batch where there are no posts, for the columns' sake.
            for start in range(0, max(len(descriptors), 1), _BATCH)
        ]
        outputs = {name: np.concatenate([batch[name] for batch in batches]) for name in batches[0]}
        return described, outputs

    def _predict_batch(self, descriptors: np.ndarray, facts: Arrays) -> Arrays:
        user = {name: tf.constant(values) for name, values in facts.items()}
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


class PredictionHandler(BlockHandler[Predictor]):
    """Predicts for the posts of `PostBlock`s: some outputs of `beam.predict.config.OUTPUTS`."""

    def __init__(self, model: ExportedModel, outputs: Sequence[str], *, large_model: bool) -> None:
        super().__init__(large_model=large_model)
        self._model = model
        self._outputs = outputs

    def load_model(self) -> Predictor:
        """Loads the model."""
        return Predictor(self._model, self._outputs)

    def ask(self, block: PostBlock, model: Predictor) -> PostBlock:
        """The block with outputs for images or descriptors, and for the facts of users."""
        names = [fact.name for fact in self._model.facts]
        facts = from_arrow(block.posts, names)
        images, descriptors = None, np.zeros((0, self._model.descriptor_size), np.float32)
        if "image" in block.posts.schema.names:
            images = images_of(block)
        else:
            descriptors = from_raw(block.posts.column("descriptor"), "float32")
        described, outputs = model.predict(images, descriptors, facts)
        if described is not None:
            block = keep_described(block, described)
        posts = block.posts.drop_columns([*names, "descriptor"] if images is None else names)
        for name, values in outputs.items():
            posts = posts.append_column(name, _to_column(values))
        return dataclasses.replace(block, posts=posts)


def _to_column(values: np.ndarray) -> pa.Array:
    """Rows of texts or numbers as lists."""
    if values.dtype.kind != "O":
        return to_lists(values)
    texts = pa.array([text.decode() for text in values.ravel()], pa.string())
    return pa.FixedSizeListArray.from_arrays(texts, values.shape[1])


def _call(
    signature: Callable[..., dict[str, tf.Tensor]], inputs: Mapping[str, tf.Tensor]
) -> Arrays:
    return {name: tensor.numpy() for name, tensor in signature(**inputs).items()}
