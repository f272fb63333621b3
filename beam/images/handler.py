"""Image descriptors by RunInference."""

import dataclasses
from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from beam.images.block_handler import BlockHandler
from beam.images.describer import DescribedImages, ImageDescriber
from beam.posts.descriptor_column import not_finite, to_raw
from beam.posts.post_block import PostBlock, name_place, rejection


class DescriptorModelHandler(BlockHandler[ImageDescriber]):
    """Describes the images of `PostBlock`s.

    Args:
        folder: of the descriptor model, where every worker can read it.
        descriptor_dtype: to store.
        sources: `InputFile.place` of the input files, to name the places of bad images.
        large_model: keep one model per worker host, not one per worker process.
    """

    def __init__(
        self, folder: str, descriptor_dtype: str, sources: Sequence[str], *, large_model: bool
    ) -> None:
        super().__init__(sources, large_model=large_model)
        self._folder = folder
        self._dtype = np.dtype(descriptor_dtype).newbyteorder("<")

    def load_model(self) -> ImageDescriber:
        """Loads the model."""
        return ImageDescriber.load(self._folder)

    def ask(self, block: PostBlock, model: ImageDescriber) -> PostBlock:
        """The block with `descriptor` for `image`; posts without a good image are rejected."""
        described = model.describe(images_of(block))
        with np.errstate(over="ignore"):
            stored = described.descriptors.astype(self._dtype)
        finite = np.isfinite(stored).all(axis=1)
        for place in np.flatnonzero(~finite).tolist():
            described.errors[described.good[place]] = not_finite(self._dtype)
        described.good = [p for p, good in zip(described.good, finite, strict=True) if good]
        columns = {"descriptor": to_raw(stored[finite])}
        return replace_images(block, described, columns, self._sources)


def images_of(block: PostBlock) -> list[tuple[bytes, bool]]:
    """The images of a block, as `ImageDescriber.describe` takes them."""
    images, is_path = block.posts.column("image"), block.posts.column("is_path")
    return list(zip(images.to_pylist(), is_path.to_pylist(), strict=True))


def replace_images(
    block: PostBlock,
    described: DescribedImages,
    columns: dict[str, pa.Array],
    sources: Sequence[str],
) -> PostBlock:
    """A block with other columns instead of its images, and posts without a good one rejected.

    Args:
        block: with images.
        described: which posts to keep, and what is wrong with the others.
        columns: rows for the posts to keep.
        sources: `InputFile.place` of the input files.
    """
    posts = block.posts.take(pa.array(described.good, "int64")).drop_columns(["image", "is_path"])
    for name, column in columns.items():
        posts = posts.append_column(name, column)
    rejected = [
        rejection(
            block.posts.column("post_id")[number].as_py(),
            error,
            name_place(block.posts.column("row_key")[number].as_py(), sources),
        )
        for number, error in sorted(described.errors.items())
    ]
    return dataclasses.replace(block, posts=posts, rejected=block.rejected + rejected)
