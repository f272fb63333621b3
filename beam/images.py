"""Reading and decoding images, with a reason for each that cannot be."""

import io
import warnings
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor, Future
from pathlib import Path
from typing import TypeVar

import tensorflow as tf
from apache_beam.io.filesystem import BeamIOError, CompressionTypes
from apache_beam.io.filesystems import FileSystems
from PIL import Image

from tagkeras.data.posts import PostError
from tagkeras.layers.image_decoder import decode_image

# An image of more pixels is refused from its header: decoded, it would fill the memory.
MAX_PIXELS = 2**26

# Pillow reads headers only; the limit is ours.
warnings.filterwarnings("ignore", category=Image.DecompressionBombWarning)

InT = TypeVar("InT")
OutT = TypeVar("OutT")


class ImageLoader:
    """From paths or contents of image files to pixels. Threads may share it.

    Args:
        height: of the pixels.
        width: of the pixels.
    """

    def __init__(self, height: int, width: int) -> None:
        self._decode = tf.function(
            lambda encoded: decode_image(encoded, height, width),
            input_signature=[tf.TensorSpec([], tf.string)],
        ).get_concrete_function()

    def load(self, image: bytes, is_path: bool) -> tf.Tensor | PostError:
        """The pixels of an image, float32 [height, width, 3], or why there are none."""
        try:
            content = read_image(image.decode()) if is_path else image
            check_size(content)
            return self._decode(tf.constant(content))
        except PostError as error:
            return error
        except tf.errors.OpError as error:
            return PostError("image_unreadable", f"image: {_first_line(error)}")


def read_image(path: str) -> bytes:
    """The content of an image file.

    Raises:
        PostError: it is missing or cannot be read.
    """
    try:
        if "://" in path:
            with FileSystems.open(path, compression_type=CompressionTypes.UNCOMPRESSED) as stream:
                return stream.read()
        return Path(path).read_bytes()
    except FileNotFoundError as error:
        raise PostError("image_missing", f"image: no file {path}") from error
    except (OSError, BeamIOError, ValueError) as error:
        raise PostError("image_missing", f"image: {path} cannot be read: {error}") from error


def check_size(content: bytes) -> None:
    """Refuses an image of too many pixels by its header alone.

    Raises:
        PostError: there are more than `MAX_PIXELS`, or the file is empty.
    """
    if not content:
        raise PostError("image_unreadable", "image: an empty file")
    try:
        with Image.open(io.BytesIO(content)) as image:
            pixels = image.width * image.height
    except Image.DecompressionBombError:
        pixels = MAX_PIXELS + 1
    except Exception:  # Pillow raises many kinds; TensorFlow has the last word on the content
        return
    if pixels > MAX_PIXELS:
        raise PostError("image_too_large", f"image: more than {MAX_PIXELS:,} pixels")


def map_ahead(
    executor: Executor, function: Callable[..., OutT], items: Iterable[InT], ahead: int
) -> Iterator[OutT]:
    """Like `executor.map`, but with at most `ahead` results waiting to be taken."""
    pending: deque[Future[OutT]] = deque()
    for item in items:
        pending.append(executor.submit(function, item))
        if len(pending) >= ahead:
            yield pending.popleft().result()
    while pending:
        yield pending.popleft().result()


def _first_line(error: tf.errors.OpError) -> str:
    text = error.message or type(error).__name__
    # "{{function_node ...}} what happened\n\t [[{{node ...}}]]"
    return text.splitlines()[0].rpartition("}} ")[2]
