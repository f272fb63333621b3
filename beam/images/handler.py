"""RunInference over blocks of posts, and image descriptors by it."""

import abc
import dataclasses
from collections.abc import Sequence
from typing import Any, TypeVar

import pyarrow as pa
from apache_beam.ml.inference.base import ModelHandler

from beam.images.describer import DescribedImages, ImageDescriber
from beam.posts.descriptors import to_raw, to_stored
from beam.posts.parse import PostBlock, rejection

ModelT = TypeVar("ModelT")


class BlockHandler(ModelHandler[PostBlock, PostBlock, ModelT], abc.ABC):
    """Asks a model about `PostBlock`s; each block is a batch in itself.

    `large_model` keeps one model per worker host, not one per worker process.
    """

    @abc.abstractmethod
    def ask(self, block: PostBlock, model: ModelT) -> PostBlock:
        """The block with what the model says of its posts."""

    def should_skip_batching(self) -> bool:
        """Blocks are batches already."""
        return True

    def get_num_bytes(self, batch: Sequence[PostBlock]) -> int:
        """The size of a block."""
        return batch.posts.nbytes  # type: ignore[attr-defined]

    def run_inference(
        self,
        batch: Sequence[PostBlock],
        model: ModelT,
        inference_args: dict[str, Any] | None = None,
    ) -> list[PostBlock]:
        """What `ask` gives for the batch, which is a `PostBlock`, since batching is skipped."""
        del inference_args
        return [self.ask(batch, model)]  # type: ignore[arg-type]


class DescriptorModelHandler(BlockHandler[ImageDescriber]):
    """Describes the images of `PostBlock`s by a descriptor model whose folder all workers can read.

    Descriptors are stored as `descriptor_dtype`.
    """

    def __init__(self, folder: str, descriptor_dtype: str, *, large_model: bool) -> None:
        super().__init__(large_model=large_model)
        self._folder = folder
        self._dtype = descriptor_dtype

    def load_model(self) -> ImageDescriber:
        """Loads the model."""
        return ImageDescriber.load(self._folder)

    def ask(self, block: PostBlock, model: ImageDescriber) -> PostBlock:
        """The block with `descriptor` for `image`; posts without a good image are rejected."""
        described = model.describe(images_of(block))
        stored, not_finite = to_stored(described.descriptors, self._dtype)
        errors = described.errors | {described.good[row]: e for row, e in not_finite.items()}
        rows = [row for row in range(len(stored)) if row not in not_finite]
        good = [described.good[row] for row in rows]
        block = keep_described(block, DescribedImages(good, described.descriptors, errors))
        posts = block.posts.append_column("descriptor", to_raw(stored[rows]))
        return dataclasses.replace(block, posts=posts)


def images_of(block: PostBlock) -> list[tuple[bytes, bool]]:
    """The images of a block, as `ImageDescriber.describe` takes them."""
    images, is_path = block.posts.column("image"), block.posts.column("is_path")
    return list(zip(images.to_pylist(), is_path.to_pylist(), strict=True))


def keep_described(block: PostBlock, described: DescribedImages) -> PostBlock:
    """A block without its images; posts without a good one are rejected."""
    posts = block.posts.take(pa.array(described.good, "int64")).drop_columns(["image", "is_path"])
    ids, keys = block.posts.column("post_id"), block.posts.column("row_key")
    rejected = [
        rejection(ids[row].as_py(), error, block.source, keys[row].as_py())
        for row, error in sorted(described.errors.items())
    ]
    return dataclasses.replace(block, posts=posts, rejected=block.rejected + rejected)
