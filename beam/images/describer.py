"""From image files to descriptors: decoding in threads, beside the CNN."""

import dataclasses
import os
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from typing import TypeVar

import numpy as np
import tensorflow as tf

from beam.images.loader import ImageLoader
from beam.running import storage
from tagkeras.data.posts import PostError
from tagkeras.images.cnn.descriptor_model import DescriptorModel

# Images that go through the CNN at once, and batches that are decoded ahead of it.
CNN_BATCH = 32
BATCHES_AHEAD = 4

InT = TypeVar("InT")
OutT = TypeVar("OutT")


@dataclasses.dataclass
class DescribedImages:
    """What came of some images.

    Attributes:
        good: places of those that could be decoded.
        descriptors: float32 [len(good), n].
        errors: place of each other one, and why.
    """

    good: list[int]
    descriptors: np.ndarray
    errors: dict[int, PostError]


class ImageDescriber:
    """Describes image files. Its one method may be called from other processes.

    Args:
        from_pixels: from float32 [B, height, width, 3] in [0, 255] to float32 [B, n].
        image_size: height and width.
        descriptor_size: n.
    """

    def __init__(
        self,
        from_pixels: Callable[[tf.Tensor], tf.Tensor],
        image_size: tuple[int, int],
        descriptor_size: int,
    ) -> None:
        self._from_pixels = from_pixels
        self._loader = ImageLoader(*image_size)
        self._descriptor_size = descriptor_size
        self._executor = ThreadPoolExecutor(os.cpu_count() or 1, thread_name_prefix="decode")

    @classmethod
    def load(cls, folder: str) -> "ImageDescriber":
        """A describer with the descriptor model in a folder, local or a URI."""
        with storage.reading_folder(folder) as local:
            model = DescriptorModel.load(local)
        return cls(model.from_pixels, model.image_size, model.descriptor_size)

    def describe(self, images: Sequence[tuple[bytes, bool]]) -> DescribedImages:
        """Reads, decodes and describes images.

        Args:
            images: of each the content, or its path and True.
        """
        result = DescribedImages([], np.zeros((0, self._descriptor_size), np.float32), {})
        described = [result.descriptors]
        batches = [images[first : first + CNN_BATCH] for first in range(0, len(images), CNN_BATCH)]
        loaded = map_ahead(self._executor, self._loader.load, batches, BATCHES_AHEAD)
        for number, (good, pixels, errors) in enumerate(loaded):
            first = number * CNN_BATCH
            result.errors |= {first + place: error for place, error in errors.items()}
            if good:
                result.good += [first + place for place in good]
                described.append(self._from_pixels(pixels).numpy())
        result.descriptors = np.concatenate(described)
        return result


def map_ahead(
    executor: Executor, function: Callable[[InT], OutT], items: Sequence[InT], ahead: int
) -> Iterator[OutT]:
    """Like `executor.map`, but with at most `ahead` results waiting to be taken."""
    pending: deque[Future[OutT]] = deque()
    for item in items:
        pending.append(executor.submit(function, item))
        if len(pending) >= ahead:
            yield pending.popleft().result()
    while pending:
        yield pending.popleft().result()
