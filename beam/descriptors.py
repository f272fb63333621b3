"""Image descriptors by RunInference: decoding in threads, beside the CNN."""

import dataclasses
import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pyarrow as pa
import tensorflow as tf
from apache_beam.ml.inference.base import ModelHandler

from beam.blocks import PostBlock, name_place, rejection
from beam.images import ImageLoader, map_ahead
from beam.posts import raw_descriptors
from tagkeras.data.posts import PostError
from tagkeras.descriptor_model import DescriptorModel

# Images that go through the CNN at once, and that may be decoded ahead of it.
CNN_BATCH = 32
AHEAD = 4 * CNN_BATCH


@dataclasses.dataclass
class LoadedModel:
    """What a worker needs to describe images."""

    model: DescriptorModel
    loader: ImageLoader
    executor: ThreadPoolExecutor


class DescriptorModelHandler(ModelHandler[PostBlock, PostBlock, LoadedModel]):
    """Describes the images of `PostBlock`s; each block is a batch in itself.

    Args:
        folder: of the descriptor model, where every worker can read it.
        descriptor_dtype: to store.
        sources: paths of the input files, to name the places of bad images.
        large_model: keep one model per worker host, not one per worker process.
    """

    def __init__(
        self,
        folder: str,
        descriptor_dtype: str,
        sources: Sequence[str],
        *,
        large_model: bool = False,
    ) -> None:
        super().__init__(large_model=large_model)
        self._folder = folder
        self._dtype = np.dtype(descriptor_dtype).newbyteorder("<")
        self._sources = sources

    def load_model(self) -> LoadedModel:
        """Loads the model and starts threads for decoding."""
        model = DescriptorModel.load(self._folder)
        threads = ThreadPoolExecutor((os.cpu_count() or 1) + 2, thread_name_prefix="decode")
        return LoadedModel(model, ImageLoader(*model.image_size), threads)

    def should_skip_batching(self) -> bool:
        """Blocks are batches already."""
        return True

    def get_num_bytes(self, batch: Sequence[PostBlock]) -> int:
        """The size of a block."""
        return batch.posts.nbytes  # type: ignore[attr-defined]

    def run_inference(
        self,
        batch: Sequence[PostBlock],
        model: LoadedModel,
        inference_args: dict[str, Any] | None = None,
    ) -> list[PostBlock]:
        """The block with `descriptor` for `image`; posts without a good image are rejected.

        Args:
            batch: a `PostBlock`.
            model: loaded.
            inference_args: none are known.
        """
        del inference_args
        block: PostBlock = batch  # type: ignore[assignment]
        good: list[int] = []
        described: list[np.ndarray] = []
        rejected = list(block.rejected)

        def reject(number: int, error: PostError) -> None:
            place = name_place(block.posts.column("row_key")[number].as_py(), self._sources)
            post_id = block.posts.column("post_id")[number].as_py()
            rejected.append(rejection(post_id, error, place))

        for numbers, pixels in self._decode(block, model, reject):
            descriptors = model.model.from_pixels(pixels).numpy()
            with np.errstate(over="ignore"):
                stored = descriptors.astype(self._dtype)
            finite = np.isfinite(stored).all(axis=1)
            for number in np.array(numbers)[~finite].tolist():
                message = f"descriptor: NaN, infinite or too large for {self._dtype.name}"
                reject(number, PostError("descriptor_not_finite", message))
            good.extend(np.array(numbers)[finite].tolist())
            described.append(stored[finite])
        size = model.model.descriptor_size
        matrix = np.concatenate(described or [np.zeros((0, size), self._dtype)])
        posts = block.posts.take(pa.array(good, "int64")).drop_columns(["image", "is_path"])
        posts = posts.append_column("descriptor", raw_descriptors(matrix))
        return [dataclasses.replace(block, posts=posts, rejected=rejected)]

    def _decode(
        self, block: PostBlock, model: LoadedModel, reject: Any
    ) -> Iterator[tuple[list[int], tf.Tensor]]:
        """Batches of row numbers and pixels, while the next ones are being decoded."""
        images = zip(
            block.posts.column("image"), block.posts.column("is_path").to_pylist(), strict=True
        )
        loaded = map_ahead(
            model.executor, lambda item: model.loader.load(item[0].as_py(), item[1]), images, AHEAD
        )
        numbers: list[int] = []
        pixels: list[tf.Tensor] = []
        for number, result in enumerate(loaded):
            if isinstance(result, PostError):
                reject(number, result)
                continue
            numbers.append(number)
            pixels.append(result)
            if len(numbers) == CNN_BATCH:
                yield numbers, tf.stack(pixels)
                numbers, pixels = [], []
        if numbers:
            yield numbers, tf.stack(pixels)
