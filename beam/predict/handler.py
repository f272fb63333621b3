"""Predictions by RunInference."""

import dataclasses
from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from beam.images.block_handler import BlockHandler
from beam.images.handler import images_of, replace_images
from beam.posts.descriptor_column import from_raw
from beam.posts.parse import PostColumns, to_lists
from beam.posts.post_block import PostBlock
from beam.predict.exported_model import ExportedModel
from beam.predict.predictor import Predictor
from tagkeras.data.posts import Post

_TEXTS, _NUMBERS = ("gender", "country"), ("age", "latitude", "longitude")


class RawUserColumns(PostColumns):
    """What the model asks of a user, as it was given: the graph describes it."""

    def setup(self) -> None:
        """There is nothing to make."""

    def make(self, posts: list[Post]) -> dict[str, pa.Array]:
        """Arrays with a row for each post, by name."""
        columns = {
            name: pa.array([getattr(post, name) for post in posts], "binary") for name in _TEXTS
        }
        for name in _NUMBERS:
            columns[name] = pa.array(np.array([getattr(post, name) for post in posts], np.float32))
        return columns


class PredictionHandler(BlockHandler[Predictor]):
    """Predicts for the posts of `PostBlock`s.

    Args:
        model: exported.
        outputs: of `exported_model.OUTPUTS`.
        sources: `InputFile.place` of the input files, to name the places of bad images.
        large_model: keep one model per worker host, not one per worker process.
    """

    def __init__(
        self,
        model: ExportedModel,
        outputs: Sequence[str],
        sources: Sequence[str],
        *,
        large_model: bool,
    ) -> None:
        super().__init__(sources, large_model=large_model)
        self._model = model
        self._outputs = outputs

    def load_model(self) -> Predictor:
        """Loads the model."""
        return Predictor(self._model, self._outputs)

    def ask(self, block: PostBlock, model: Predictor) -> PostBlock:
        """The block with outputs for images or descriptors, and for what was said of users."""
        posts = block.posts
        users = {name: posts.column(name).to_numpy(zero_copy_only=False) for name in _NUMBERS} | {
            name: np.array(posts.column(name).to_pylist(), object) for name in _TEXTS
        }
        has_images = "image" in posts.schema.names
        descriptors = np.zeros((0, self._model.descriptor_size), np.float32)
        if not has_images:
            descriptors = from_raw(posts.column("descriptor"), "float32")
        predicted = model.predict(images_of(block) if has_images else None, descriptors, users)
        columns = {name: _to_column(values) for name, values in predicted.outputs.items()}
        if predicted.images is not None:
            block = replace_images(block, predicted.images, columns, self._sources)
            posts = block.posts
        else:
            posts = posts.drop_columns(["descriptor"])
            for name, column in columns.items():
                posts = posts.append_column(name, column)
        return dataclasses.replace(block, posts=posts.drop_columns([*_TEXTS, *_NUMBERS]))


def _to_column(values: np.ndarray) -> pa.Array:
    """Rows of texts or numbers as lists."""
    if values.dtype.kind != "O":
        return to_lists(values)
    texts = pa.array([text.decode() for text in values.ravel()], pa.string())
    return pa.FixedSizeListArray.from_arrays(texts, values.shape[1])
