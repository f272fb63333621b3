"""Image descriptors by RunInference: decoding in threads, beside the CNN."""

import dataclasses
import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pyarrow as pa
from apache_beam.ml.inference.base import ModelHandler

from beam.blocks import PostBlock, name_place, rejection
from beam.images import ImageLoader, LoadedImages, map_ahead
from beam.posts import not_finite, raw_descriptors
from tagkeras.data.posts import PostError
from tagkeras.descriptor_model import DescriptorModel

# Images that go through the CNN at once, and batches that are decoded ahead of it.
CNN_BATCH = 32
BATCHES_AHEAD = 4


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
        threads = ThreadPoolExecutor(os.cpu_count() or 1, thread_name_prefix="decode")
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
        kept: list[int] = []
        described = [np.zeros((0, model.model.descriptor_size), self._dtype)]
        errors: dict[int, PostError] = {}
        for first, images in self._load(block, model):
            errors.update({first + place: error for place, error in images.errors.items()})
            if not images.good:
                continue
            with np.errstate(over="ignore"):
                stored = model.model.from_pixels(images.pixels).numpy().astype(self._dtype)
            finite = np.isfinite(stored).all(axis=1)
            for place, is_finite in zip(images.good, finite.tolist(), strict=True):
                if is_finite:
                    kept.append(first + place)
                else:
                    errors[first + place] = not_finite(self._dtype)
            described.append(stored[finite])
        posts = block.posts.take(pa.array(kept, "int64")).drop_columns(["image", "is_path"])
        posts = posts.append_column("descriptor", raw_descriptors(np.concatenate(described)))
        rejected = [self._reject(block, number, errors[number]) for number in sorted(errors)]
        return [dataclasses.replace(block, posts=posts, rejected=block.rejected + rejected)]

    def _load(self, block: PostBlock, model: LoadedModel) -> Iterator[tuple[int, LoadedImages]]:
        """Batches of images and the number of their first, the next ones in the making."""
        images, is_path = block.posts.column("image"), block.posts.column("is_path").to_pylist()

        def load(first: int) -> LoadedImages:
            contents = images[first : first + CNN_BATCH].to_pylist()
            return model.loader.load(
                list(zip(contents, is_path[first : first + CNN_BATCH], strict=True))
            )

        starts = range(0, len(block), CNN_BATCH)
        return zip(starts, map_ahead(model.executor, load, starts, BATCHES_AHEAD), strict=True)

    def _reject(self, block: PostBlock, number: int, error: PostError) -> dict[str, Any]:
        place = name_place(block.posts.column("row_key")[number].as_py(), self._sources)
        return rejection(block.posts.column("post_id")[number].as_py(), error, place)
