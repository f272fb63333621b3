"""Every kind of image file that TensorFlow decodes, and what it leaves undone, in stock ops.

By itself it refuses WebP files with an alpha channel or an animation where three channels are
wanted, and takes the numbers of a BMP palette's colors for shades of grey.
"""

import tensorflow as tf

# Bytes that tell the kinds of files apart.
_HEADER = 32
_ALPHA, _ANIMATION = 16, 2

# A BMP palette of 256 colors ends before this byte.
_PALETTE_REACH = 2048


def decode_any(encoded: tf.Tensor) -> tf.Tensor:
    """Decodes a JPEG, PNG, GIF, BMP or WebP file: scalar string to uint8 [height, width, 3].

    Of an animation it is the first frame.

    Raises:
        tf.errors.InvalidArgumentError: it is no image that can be decoded.
    """
    # Most files are of other kinds: a look costs them less than to go through all that follows.
    is_special = tf.reduce_any(tf.strings.substr(encoded, 0, 2) == [b"RI", b"BM"])
    image = tf.cond(is_special, lambda: _decode_webp_or_bmp(encoded), lambda: _decode(encoded, 3))
    image.set_shape([None, None, 3])
    return image


def to_bytes(text: tf.Tensor) -> tf.Tensor:
    """The bytes of a scalar string: int32 [length]."""
    return tf.cast(tf.io.decode_raw(text, tf.uint8), tf.int32)


def _decode(encoded: tf.Tensor, channels: int) -> tf.Tensor:
    return tf.io.decode_image(encoded, channels=channels, expand_animations=False)


def _decode_webp_or_bmp(encoded: tf.Tensor) -> tf.Tensor:
    header = read_header(encoded)
    still = tf.cond(is_animated_webp(header), lambda: first_webp_frame(encoded), lambda: encoded)
    image = tf.cond(
        _has_webp_alpha(read_header(still)),
        lambda: _decode(still, 4)[..., :3],
        lambda: _decode(still, 3),
    )
    return tf.cond(
        _has_bmp_palette(header), lambda: _apply_bmp_palette(image, encoded, header), lambda: image
    )


def read_header(encoded: tf.Tensor) -> tf.Tensor:
    """The first bytes of a file, zeros behind a shorter one: int32 [at least _HEADER]."""
    return tf.concat([to_bytes(tf.strings.substr(encoded, 0, _HEADER)), [0] * _HEADER], axis=0)


def _says(header: tf.Tensor, position: int, text: bytes) -> tf.Tensor:
    return tf.reduce_all(header[position : position + len(text)] == list(text))


def is_animated_webp(header: tf.Tensor) -> tf.Tensor:
    """Whether the first bytes of a file are those of a WebP animation."""
    is_extended = _says(header, 0, b"RIFF") & _says(header, 8, b"WEBPVP8X")
    return is_extended & (header[20] & _ANIMATION != 0)


def _has_webp_alpha(header: tf.Tensor) -> tf.Tensor:
    """Whether a WebP file is a still picture with an alpha channel.

    TensorFlow wants to be asked for as many channels as there are.
    """
    is_extended = _says(header, 8, b"WEBPVP8X") & (header[20] & (_ALPHA | _ANIMATION) == _ALPHA)
    is_lossless = _says(header, 8, b"WEBPVP8L") & (header[24] & _ALPHA != 0)
    return _says(header, 0, b"RIFF") & (is_extended | is_lossless)


def first_webp_frame(encoded: tf.Tensor) -> tf.Tensor:
    """An animated WebP file with its first frame in front, where a still picture has its own.

    What follows a still picture is not looked at.
    """
    parts = tf.strings.split([encoded], b"ANMF", maxsplit=1).values
    # Behind the mark and 20 bytes of sizes stands the frame, maybe after its alpha channel.
    frame = drop_bytes(tf.strings.reduce_join(parts[1:]), 20)
    size = _little_endian(to_bytes(tf.strings.substr(drop_bytes(frame, 4), 0, 4)))
    alpha = tf.where(tf.strings.substr(frame, 0, 4) == b"ALPH", 8 + size + size % 2, 0)
    picture = drop_bytes(frame, alpha)
    return tf.strings.join([tf.strings.substr(encoded, 0, 12), picture, encoded])


def drop_bytes(text: tf.Tensor, count: tf.Tensor) -> tf.Tensor:
    """A text without its first bytes: all of it if the count is negative, "" if it is too large."""
    length = tf.strings.length(text)
    return tf.strings.substr(text, tf.clip_by_value(count, 0, length), length)


def _has_bmp_palette(header: tf.Tensor) -> tf.Tensor:
    return _says(header, 0, b"BM") & (header[28] == 8) & (header[29] == 0)


def _apply_bmp_palette(image: tf.Tensor, encoded: tf.Tensor, header: tf.Tensor) -> tf.Tensor:
    """The picture of a BMP file whose pixels are numbers of its palette's colors."""
    # The palette, 4 bytes a color, stands between the header and the picture.
    start, stop = 14 + _little_endian(header[14:18]), _little_endian(header[10:14])
    palette = to_bytes(tf.strings.substr(encoded, 0, _PALETTE_REACH))[start:stop]
    colors = tf.reshape(palette[: tf.size(palette) // 4 * 4], [-1, 4])[:, 2::-1]
    return tf.cast(tf.gather(colors, tf.cast(image[..., 0], tf.int32)), tf.uint8)


def _little_endian(digits: tf.Tensor) -> tf.Tensor:
    """The number that bytes are: int32 [n] to a scalar, negative if it is too large."""
    return tf.reduce_sum(digits * 256 ** tf.range(tf.size(digits)))
