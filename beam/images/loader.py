"""Reading and decoding images, with a reason for each that cannot be."""

import dataclasses
import io
import stat
import warnings
from collections.abc import Sequence
from pathlib import Path

import tensorflow as tf
from PIL import Image

from beam.running import storage
from tagkeras.data.posts import PostError
from tagkeras.layers.image_decoder import ImageDecoder

# An image of more pixels is refused from its header: decoded, it would fill the memory.
MAX_PIXELS = 2**26

# So is a file of more bytes.
MAX_BYTES = 2**28

# Pillow reads headers only; the limit is ours.
warnings.filterwarnings("ignore", category=Image.DecompressionBombWarning)


@dataclasses.dataclass
class LoadedImages:
    """What came of some images.

    Attributes:
        good: places of those that could be decoded.
        pixels: float32 [len(good), height, width, 3].
        errors: place of each other one, and why.
    """

    good: list[int]
    pixels: tf.Tensor
    errors: dict[int, PostError]


class ImageLoader:
    """From paths or contents of image files to pixels. Threads may share it.

    Args:
        height: of the pixels.
        width: of the pixels.
    """

    def __init__(self, height: int, width: int) -> None:
        decoder = ImageDecoder(height, width)
        signature = [tf.TensorSpec([None], tf.string)]
        self._decode = tf.function(decoder, input_signature=signature).get_concrete_function()
        self._empty = tf.zeros([0, height, width, 3])

    def load(self, images: Sequence[tuple[bytes, bool]]) -> LoadedImages:
        """Reads and decodes images.

        Args:
            images: of each the content, or its path and True.
        """
        contents: dict[int, bytes] = {}
        errors: dict[int, PostError] = {}
        for place, (image, is_path) in enumerate(images):
            try:
                contents[place] = read_image(image.decode()) if is_path else image
                check_size(contents[place])
            except PostError as error:
                contents.pop(place, None)
                errors[place] = error
        try:
            # All in one call: half the time of a call for each.
            pixels = self._decode(tf.constant(list(contents.values()), tf.string))
        except tf.errors.OpError:
            pixels = self._decode_singly(contents, errors)
        return LoadedImages(list(contents), pixels, errors)

    def _decode_singly(self, contents: dict[int, bytes], errors: dict[int, PostError]) -> tf.Tensor:
        """Finds out which images cannot be decoded, and moves them to the errors."""
        pixels = [self._empty]
        for place, content in list(contents.items()):
            try:
                pixels.append(self._decode(tf.constant([content])))
            except tf.errors.OpError as error:
                del contents[place]
                errors[place] = PostError("image_unreadable", f"image: {_first_line(error)}")
        return tf.concat(pixels, axis=0)


def read_image(path: str) -> bytes:
    """The content of an image file.

    Raises:
        PostError: it is missing, cannot be read, or has more than `MAX_BYTES`.
    """
    # Details leave the path out: it may tell who the user is. The post's place leads to it.
    try:
        if not storage.is_remote(path) and not stat.S_ISREG(Path(path).stat().st_mode):
            raise PostError("image_missing", "image: not a file")
        with storage.open_input(path) as stream:
            content = stream.read(MAX_BYTES + 1)
    except (FileNotFoundError, NotADirectoryError) as error:
        raise PostError("image_missing", "image: no such file") from error
    except (OSError, ValueError) as error:
        problem = getattr(error, "strerror", None) or type(error).__name__
        raise PostError("image_missing", f"image: cannot be read: {problem}") from error
    if len(content) > MAX_BYTES:
        raise PostError("image_too_large", f"image: more than {MAX_BYTES:,} bytes")
    return content


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


def _first_line(error: tf.errors.OpError) -> str:
    text = error.message or type(error).__name__
    # "{{function_node ...}} what happened\n\t [[{{node ...}}]]"
    return text.splitlines()[0].rpartition("}} ")[2]
