"""From the bytes of an image file to pixels of one size, in stock TensorFlow ops."""

from typing import Any

import keras
import tensorflow as tf

from tagkeras.images.image_formats import decode_any, to_bytes

# Exif stands in front of the picture, in one segment of at most 64 KiB.
_EXIF_REACH = 65536 + 64
_EXIF_MARK = b"Exif\0\0"
_ORIENTATION_TAG = 0x0112
_SHORT = 3


@keras.saving.register_keras_serializable(package="tagkeras")
class ImageDecoder(keras.layers.Layer):
    """Decodes JPEG, PNG, GIF, BMP and WebP, of animations the first frame; resizes the picture.

    Grey becomes RGB, alpha is dropped, 16 bits become 8, CMYK becomes RGB. The EXIF orientation of
    a JPEG is honoured: people see the picture that way round. The picture is scaled to the size
    whatever its aspect (bilinear, antialiased).

    Args:
        height: of the pixels.
        width: of the pixels.
        **kwargs: of `keras.layers.Layer`.

    Call arguments:
        encoded: string [B], the content of image files.

    Returns:
        float32 [B, height, width, 3] in [0, 255].

    Raises:
        tf.errors.InvalidArgumentError: one of them is no image that can be decoded.
    """

    def __init__(self, height: int, width: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if height < 1 or width < 1:
            raise ValueError(f"height and width must be at least 1, received {height}, {width}")
        self.height = height
        self.width = width

    def call(self, encoded: tf.Tensor) -> tf.Tensor:
        """The pixels of a batch of images: see the class."""
        return tf.map_fn(
            lambda image: decode_image(image, self.height, self.width),
            encoded,
            fn_output_signature=tf.TensorSpec([self.height, self.width, 3], tf.float32),
        )

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """[B, height, width, 3]."""
        return (input_shape[0], self.height, self.width, 3)

    def get_config(self) -> dict[str, Any]:
        """The arguments of `__init__`."""
        return {**super().get_config(), "height": self.height, "width": self.width}


def decode_image(encoded: tf.Tensor, height: int, width: int) -> tf.Tensor:
    """Decodes one image: scalar string to float32 [height, width, 3], as `ImageDecoder` does."""
    image = decode_any(encoded)
    orientation = exif_orientation(encoded)
    # Turning what is resized is cheaper, and gives the same as resizing what is turned.
    is_lying = orientation >= 5
    size = tf.where(is_lying, [width, height], [height, width])
    pixels = tf.image.resize(image, size, antialias=True)
    pixels = tf.cond(orientation > 1, lambda: _turn_upright(pixels, orientation), lambda: pixels)
    # The antialiasing weights sum to one only up to rounding.
    return tf.ensure_shape(tf.clip_by_value(pixels, 0.0, 255.0), [height, width, 3])


def exif_orientation(encoded: tf.Tensor) -> tf.Tensor:
    """The EXIF orientation of a JPEG file: scalar string to scalar int32.

    1 to 8; 1 where there is none or it cannot be read, and for other formats.
    """
    is_jpeg = tf.equal(tf.strings.substr(encoded, 0, 2), b"\xff\xd8")
    return tf.cond(is_jpeg, lambda: _jpeg_orientation(encoded), lambda: tf.constant(1))


def _jpeg_orientation(encoded: tf.Tensor) -> tf.Tensor:
    head = tf.strings.substr(encoded, 0, _EXIF_REACH)
    parts = tf.strings.split([head], _EXIF_MARK, maxsplit=1).values
    return tf.cond(
        tf.size(parts) == 2, lambda: _exif_orientation(parts[0], parts[1]), lambda: tf.constant(1)
    )


def _exif_orientation(before: tf.Tensor, tiff: tf.Tensor) -> tf.Tensor:
    """The orientation in the first directory of the TIFF structure that follows the Exif mark.

    An APP1 marker and two bytes should stand right before the mark.
    """
    marker = tf.concat([[0, 0, 0, 0], to_bytes(before)], axis=0)[-4:-2]
    data = tf.concat([to_bytes(tiff), [0] * 8], axis=0)
    is_little_endian = data[0] == ord("I")

    def number(digits: tf.Tensor, size: int) -> tf.Tensor:
        """Unsigned integers [...] of their bytes [..., size]."""
        digits = tf.where(is_little_endian, tf.reverse(digits, [-1]), digits)
        return tf.reduce_sum(digits * [256**power for power in reversed(range(size))], axis=-1)

    start = tf.clip_by_value(number(data[4:8], 4), 0, tf.size(data) - 2)
    num_entries = number(data[start : start + 2], 2)
    directory = data[start + 2 : start + 2 + 12 * num_entries]
    entries = tf.reshape(directory[: tf.size(directory) // 12 * 12], [-1, 12])
    is_orientation = (number(entries[:, :2], 2) == _ORIENTATION_TAG) & (
        number(entries[:, 2:4], 2) == _SHORT
    )
    values = tf.boolean_mask(number(entries[:, 8:10], 2), is_orientation)
    # A 1 behind them, for files that do not say.
    orientation = tf.concat([values, [1]], axis=0)[0]
    is_valid = tf.reduce_all(marker == [0xFF, 0xE1]) & (orientation >= 1) & (orientation <= 8)
    return tf.where(is_valid, orientation, 1)


def _turn_upright(image: tf.Tensor, orientation: tf.Tensor) -> tf.Tensor:
    """Undoes an EXIF orientation: transpose first, then mirror."""
    image = tf.cond(orientation >= 5, lambda: tf.transpose(image, [1, 0, 2]), lambda: image)
    mirror = tf.reduce_any(orientation == [2, 3, 6, 7])
    image = tf.cond(mirror, lambda: image[:, ::-1], lambda: image)
    upside_down = tf.reduce_any(orientation == [3, 4, 7, 8])
    return tf.cond(upside_down, lambda: image[::-1], lambda: image)
