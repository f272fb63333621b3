"""From image files to descriptors: read and decoded in threads, beside the CNN.

Each image that cannot be described gets a reason.
"""

import dataclasses
import os
import stat
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

import numpy as np
import tensorflow as tf

from beam.running import storage
from tagkeras.data.posts import PostError
from tagkeras.images.cnn.descriptor_model import DescriptorModel
from tagkeras.images.image_decoder import ImageDecoder
from tagkeras.images.image_headers import MAX_BYTES, ImageError, check_content

# Images that go through the CNN at once, and batches that are decoded ahead of it.
CNN_BATCH = 32
BATCHES_AHEAD = 4
# Bytes and pixels that are decoded in one call, unless one image alone has more.
GROUP_SIZE = 2**26

# Errors that are the image's fault. The last is raised if TensorFlow's message quotes the file.
_UNDECODABLE = (
    tf.errors.InvalidArgumentError,
    tf.errors.UnimplementedError,
    tf.errors.InternalError,
    tf.errors.DataLossError,
    tf.errors.UnknownError,
    UnicodeDecodeError,
)

InT = TypeVar("InT")
OutT = TypeVar("OutT")


@dataclasses.dataclass
class DescribedImages:
    """What came of some images: descriptors float32 [len(good), n], errors by place.

    The places in `good` are those of the images that could be decoded.
    """

    good: list[int]
    descriptors: np.ndarray
    errors: dict[int, PostError]


class ImageDescriber:
    """Describes image files. Its one method may be called from other processes.

    `from_pixels` takes float32 [B, height, width, 3] in [0, 255] and gives float32 [B, n].
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
        """Reads, decodes and describes images: of each the content, or its path and True."""
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


class ImageLoader:
    """From paths or contents of image files to pixels. Threads may share it."""

    def __init__(self, height: int, width: int) -> None:
        decoder = ImageDecoder(height, width)
        signature = [tf.TensorSpec([None], tf.string)]
        self._decode = tf.function(decoder, input_signature=signature).get_concrete_function()
        self._empty = tf.zeros([0, height, width, 3])

    def load(
        self, images: Sequence[tuple[bytes, bool]]
    ) -> tuple[list[int], tf.Tensor, dict[int, PostError]]:
        """Reads and decodes images: of each the content, or its path and True.

        Returns:
            Places of those that could be decoded, their pixels float32 [B, height, width, 3], and
            what is wrong with the others by place.
        """
        errors: dict[int, PostError] = {}
        good: list[int] = []
        pixels: list[tf.Tensor] = []
        for group in _read_groups(images, errors):
            pixels.append(self._decode_group(group, errors))
            good += group
        if len(pixels) != 1:
            pixels = [tf.concat([self._empty, *pixels], axis=0)]
        return good, pixels[0], errors

    def _decode_group(self, group: dict[int, bytes], errors: dict[int, PostError]) -> tf.Tensor:
        """The pixels of images; those that cannot be decoded are moved to the errors."""
        try:
            # All in one call: half the time of a call for each.
            return self._decode(tf.constant(list(group.values()), tf.string))
        except _UNDECODABLE:
            pixels = [self._empty]
        for place, content in list(group.items()):
            try:
                pixels.append(self._decode(tf.constant([content])))
            except _UNDECODABLE as error:
                del group[place]
                errors[place] = PostError("image_unreadable", f"image: {_explain(error)}")
        return tf.concat(pixels, axis=0)


def _read_groups(
    images: Sequence[tuple[bytes, bool]], errors: dict[int, PostError]
) -> Iterator[dict[int, bytes]]:
    """The contents of images by their places, in groups of `GROUP_SIZE` at most."""
    group: dict[int, bytes] = {}
    size = 0
    for place, (image, is_path) in enumerate(images):
        try:
            content, cost = check_content(read_image(image.decode()) if is_path else image)
        except PostError as error:
            errors[place] = error
            continue
        except ImageError as error:
            reason = "image_too_large" if error.is_too_large else "image_unreadable"
            errors[place] = PostError(reason, f"image: {error}")
            continue
        if group and size + cost > GROUP_SIZE:
            yield group
            group, size = {}, 0
        group[place] = content
        size += cost
    if group:
        yield group


def read_image(path: str) -> bytes:
    """The content of an image file; of one of more than `MAX_BYTES`, the first and one more.

    Raises:
        PostError: it is missing or cannot be read.
    """
    # Details leave the path out: it may tell who the user is. The post's place leads to it.
    try:
        if not storage.is_remote(path):
            status = Path(path).stat()
            if not stat.S_ISREG(status.st_mode):
                raise PostError("image_missing", "image: not a file")
            if not status.st_size:  # some that the kernel makes up never end, or make one wait
                return b""
        with storage.open_input(path) as stream:
            return stream.read(MAX_BYTES + 1)
    except PostError:
        raise
    except (FileNotFoundError, NotADirectoryError) as error:
        raise PostError("image_missing", "image: no such file") from error
    except Exception as error:  # Beam's file systems raise many kinds
        problem = getattr(error, "strerror", None) or type(error).__name__
        raise PostError("image_missing", f"image: cannot be read: {problem}") from error


def _explain(error: tf.errors.OpError | UnicodeDecodeError) -> str:
    # "Graph execution error:\n\n(where)\n\n(what)\n\t [[{{node ...}}]] ..."
    lines = getattr(error, "message", "").partition("\n\t [[")[0].splitlines()
    return lines[-1].rpartition("}} ")[2] if lines else type(error).__name__
