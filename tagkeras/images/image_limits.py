"""The limits of `tagkeras.images.image_headers`, checked in a graph of stock ops.

What differs from Python: a GIF is cut off where its blocks would take too many steps to follow, and
the scans of a JPEG are counted by their mark, wherever it stands.
"""

import functools
from collections.abc import Callable

import tensorflow as tf

from tagkeras.images.image_formats import (
    drop_bytes,
    first_webp_frame,
    is_animated_webp,
    read_header,
)
from tagkeras.images.image_headers import (
    EMPTY,
    GIF_END,
    GIF_EXTENSION,
    GIF_FRAME,
    MAX_BYTES,
    MAX_PIXELS,
    MAX_SCANS,
    OTHER_FORMAT,
    STARTS,
)

_SCAN_MARK = b"\xff\xda"
# Extensions before the first frame of a GIF, and changes of size in a chain of its blocks. A frame
# with more is cut off, and so not decoded.
_MAX_EXTENSIONS, _MAX_RUNS = 20, 5000
# Blocks that are looked at in one step: all of them in each step would take hours for a file whose
# blocks change in size.
_MAX_RUN_BLOCKS = 256


def check_image(encoded: tf.Tensor, name: tf.Tensor) -> tf.Tensor:
    """What of an image file is to be decoded, once its header keeps to the limits.

    Args:
        encoded: scalar string, the file.
        name: scalar string that errors begin with.

    Returns:
        Scalar string: the file, but of a GIF its first frame, since all would be decoded.

    Raises:
        tf.errors.InvalidArgumentError: it is of no format that is read, or beyond a limit.
    """
    is_kind = tf.stack(
        [tf.strings.substr(encoded, 0, len(start)) == start for start in STARTS.values()]
    )
    length = tf.strings.length(encoded)
    checks = [
        _check(name, length > 0, EMPTY),
        _check(name, length <= MAX_BYTES, f"more than {MAX_BYTES} bytes"),
        _check(name, tf.reduce_any(is_kind), OTHER_FORMAT),
    ]
    with tf.control_dependencies(checks):
        encoded = tf.identity(encoded)
    content, pixels, scans = tf.switch_case(
        tf.argmax(tf.cast(is_kind, tf.int32), output_type=tf.int32),
        [functools.partial(_READERS[kind], encoded) for kind in STARTS],
    )
    checks = [
        _check(name, pixels <= MAX_PIXELS, f"more than {MAX_PIXELS} pixels"),
        _check(name, scans <= MAX_SCANS, f"more than {MAX_SCANS} scans"),
    ]
    with tf.control_dependencies(checks):
        return tf.identity(content)


# Each gives the content to decode, its pixels as int64 and the number of its scans as int32.
_Read = tuple[tf.Tensor, tf.Tensor, tf.Tensor]


def _read_jpeg(encoded: tf.Tensor) -> _Read:
    height_and_width = tf.io.extract_jpeg_shape(encoded, tf.int32)[:2]
    # The mark stands in no scan; thumbnails may add a few.
    parts = tf.strings.split([encoded], _SCAN_MARK, maxsplit=MAX_SCANS + 1).values
    return encoded, tf.reduce_prod(tf.cast(height_and_width, tf.int64)), tf.size(parts) - 1


def _read_png(encoded: tf.Tensor) -> _Read:
    header = read_header(encoded)
    width, height = (_number(header[start : start + 4][::-1], 4) for start in (16, 20))
    return encoded, width * height, tf.constant(1)


def _read_bmp(encoded: tf.Tensor) -> _Read:
    header = read_header(encoded)
    width, height = _number(header[18:], 4), _number(header[22:], 4)
    # A negative height is that of a picture upside down.
    return encoded, width * tf.minimum(height, 2**32 - height), tf.constant(1)


def _read_webp(encoded: tf.Tensor) -> _Read:
    header = read_header(encoded)
    still = tf.cond(is_animated_webp(header), lambda: first_webp_frame(encoded), lambda: encoded)
    header = read_header(still)
    kind = tf.strings.substr(drop_bytes(still, 12), 0, 4)
    extended = (1 + _number(header[24:], 3)) * (1 + _number(header[27:], 3))
    # 14 bits each: behind one another, or each in two bytes.
    bits = _number(header[21:], 4)
    lossless = (1 + bits % 2**14) * (1 + bits // 2**14 % 2**14)
    lossy = (_number(header[26:], 2) % 2**14) * (_number(header[28:], 2) % 2**14)
    pixels = tf.where(kind == b"VP8X", extended, tf.where(kind == b"VP8L", lossless, lossy))
    return encoded, pixels, tf.constant(1)


def _read_gif(encoded: tf.Tensor) -> _Read:
    # Zeros behind it end the chains of a file that was cut off.
    data = tf.concat([tf.io.decode_raw(encoded, tf.uint8), tf.zeros([16], tf.uint8)], axis=0)
    size = tf.strings.length(encoded)

    def at(position: tf.Tensor) -> tf.Tensor:
        return tf.cast(data[tf.minimum(position, size)], tf.int32)

    (start,) = tf.while_loop(
        lambda position: at(position) == GIF_EXTENSION,
        lambda position: (_skip_blocks(data, size, position + 2),),
        (13 + _palette_size(at(tf.constant(10))),),
        maximum_iterations=_MAX_EXTENSIONS,
    )
    has_frame = at(start) == GIF_FRAME
    frame = data[tf.minimum(start, size) :]
    screen = _number(data[6:], 2) * _number(data[8:], 2)
    pixels = tf.where(has_frame, _number(frame[5:], 2) * _number(frame[7:], 2), 0)
    end = _skip_blocks(data, size, start + 11 + _palette_size(at(start + 9)))
    content = tf.strings.join([tf.strings.substr(encoded, 0, tf.minimum(end, size)), GIF_END])
    # Without a frame in its place there is nothing to decode, and none behind it must be.
    content = tf.where(has_frame, content, tf.strings.substr(encoded, 0, tf.minimum(start, size)))
    return content, tf.maximum(screen, pixels), tf.constant(1)


def _palette_size(flags: tf.Tensor) -> tf.Tensor:
    """Bytes of the palette that a GIF's flags tell of."""
    return tf.where(flags >= 0x80, 3 * 2 ** (flags % 8 + 1), 0)


def _skip_blocks(data: tf.Tensor, size: tf.Tensor, position: tf.Tensor) -> tf.Tensor:
    """The end of a chain of blocks, each behind its size, up to an empty one.

    Blocks but the last are of one size, as encoders make them: such a run is one step.
    """
    (position,) = tf.while_loop(
        lambda position: (position < size) & (data[tf.minimum(position, size)] > 0),
        lambda position: (_skip_run(data, position),),
        (position,),
        maximum_iterations=_MAX_RUNS,
    )
    return position + 1


def _skip_run(data: tf.Tensor, position: tf.Tensor) -> tf.Tensor:
    block = data[position]
    step = tf.cast(block, tf.int32) + 1
    sizes = data[position : position + _MAX_RUN_BLOCKS * step : step]
    is_same = tf.cast(sizes == block, tf.int32)
    # The place of the first other one, or all of them.
    length = tf.argmin(tf.concat([is_same, [0]], axis=0), output_type=tf.int32)
    return position + step * length


_READERS: dict[str, Callable[[tf.Tensor], _Read]] = {
    "JPEG": _read_jpeg,
    "PNG": _read_png,
    "GIF": _read_gif,
    "BMP": _read_bmp,
    "WebP": _read_webp,
}


def _number(digits: tf.Tensor, size: int) -> tf.Tensor:
    """The little-endian number that the first bytes are, a scalar int64."""
    powers = tf.constant([256**power for power in range(size)], tf.int64)
    return tf.reduce_sum(tf.cast(digits[:size], tf.int64) * powers)


def _check(name: tf.Tensor, is_good: tf.Tensor, problem: str) -> tf.Operation:
    return tf.debugging.Assert(is_good, [tf.strings.join([name, ": ", problem])])
