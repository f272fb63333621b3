"""Limits on image files, checked by their headers before anything is decoded.

A file of a few kilobytes can claim a picture that fills the memory, or takes minutes to decode. The
rules are said here, and checked of bytes in Python; `tagkeras.images.image_limits` checks the same
rules in a graph of stock ops.
"""

import re
import struct
from collections.abc import Callable
from typing import Literal, NamedTuple

# Bytes of a file, and pixels of a picture.
MAX_BYTES = 2**28
MAX_PIXELS = 2**26
# Passes over a JPEG's pixels, each of which costs as much time as a whole picture; encoders make
# ten.
MAX_SCANS = 100

# How files begin. TensorFlow also decodes JPEG XL, of which nothing would limit the size.
STARTS = {
    "JPEG": b"\xff\xd8",
    "PNG": b"\x89PNG",
    "GIF": b"GIF8",
    "BMP": b"BM",
    "WebP": b"RIFF",
}
EMPTY = "an empty file"
OTHER_FORMAT = "not a JPEG, PNG, GIF, BMP or WebP file"

# In a GIF, before the first frame and at it; and what ends the file.
GIF_EXTENSION, GIF_FRAME = 0x21, 0x2C
GIF_END = b";"

# A marker of JPEG with a length behind it, or the end; none of those in the midst of a scan.
_JPEG_MARKER = re.compile(rb"\xff[^\x00\x01\xd0-\xd8\xff]")
_JPEG_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_JPEG_END, _JPEG_SCAN = 0xD9, 0xDA


class Header(NamedTuple):
    """What a file says of its picture.

    Attributes:
        pixels: to decode; 0 if the file ends before it says.
        scans: passes over the pixels that a JPEG makes.
        end: of the first frame of a GIF; None if the whole file is to be decoded.
    """

    pixels: int
    scans: int = 1
    end: int | None = None


class ImageError(ValueError):
    """An image that must not be decoded.

    Attributes:
        is_too_large: whether it is beyond a limit; if not, it is no image.
    """

    def __init__(self, message: str, *, is_too_large: bool = False) -> None:
        super().__init__(message)
        self.is_too_large = is_too_large


def check_content(content: bytes) -> tuple[bytes, int]:
    """Refuses an image that would take too much memory or time, by its size and header alone.

    Of a file of more than `MAX_BYTES`, one byte more is enough.

    Returns:
        What of it is to be decoded, and how many bytes and pixels that is.

    Raises:
        ImageError: it is beyond a limit, or of no format that is read.
    """
    if not content:
        raise ImageError(EMPTY)
    if len(content) > MAX_BYTES:
        raise ImageError(f"more than {MAX_BYTES:,} bytes", is_too_large=True)
    header = read_header(content)
    if header is None:
        raise ImageError(OTHER_FORMAT)
    if header.pixels > MAX_PIXELS:
        raise ImageError(f"more than {MAX_PIXELS:,} pixels", is_too_large=True)
    if header.scans > MAX_SCANS:
        raise ImageError(f"more than {MAX_SCANS} scans", is_too_large=True)
    if header.end is not None:
        # TensorFlow would decode all frames to give the first.
        content = content[: header.end] + GIF_END
    return content, len(content) + header.pixels


def read_header(content: bytes) -> Header | None:
    """What an image file says, decodable or not; None if it is of no format that is read."""
    for kind, start in STARTS.items():
        if content.startswith(start):
            try:
                return _READERS[kind](content)
            except (struct.error, IndexError):
                return Header(0)
    return None


def _read_jpeg(content: bytes) -> Header:
    pixels = scans = position = 0
    while marker := _JPEG_MARKER.search(content, position):
        code, position = content[marker.end() - 1], marker.end()
        if code == _JPEG_END:
            break
        if code in _JPEG_FRAMES:
            height, width = _number(content, position + 3, 2), _number(content, position + 5, 2)
            pixels = max(pixels, height * width)
        scans += code == _JPEG_SCAN
        position += _number(content, position, 2)
    return Header(pixels, scans)


def _read_png(content: bytes) -> Header:
    width, height = struct.unpack_from(">II", content, 16)
    return Header(width * height)


def _read_gif(content: bytes) -> Header:
    width, height = struct.unpack_from("<HH", content, 6)
    position = 13 + _palette_size(content[10])
    while content[position] == GIF_EXTENSION:
        position = _skip_blocks(content, position + 2)
    if content[position] != GIF_FRAME:
        return Header(width * height)
    frame_width, frame_height, flags = struct.unpack_from("<HHB", content, position + 5)
    pixels = max(width * height, frame_width * frame_height)
    try:
        return Header(pixels, end=_skip_blocks(content, position + 11 + _palette_size(flags)))
    except IndexError:
        return Header(pixels)


def _palette_size(flags: int) -> int:
    return 3 * 2 ** ((flags & 7) + 1) if flags & 0x80 else 0


def _skip_blocks(content: bytes, position: int) -> int:
    """The end of a sequence of blocks, each behind its size, up to an empty one."""
    while size := content[position]:
        position += 1 + size
    return position + 1


def _read_bmp(content: bytes) -> Header:
    # The oldest kind has a shorter header, and is not decoded.
    width, height = struct.unpack_from("<ii", content, 18) if content[14] >= 40 else (0, 0)
    return Header(abs(width * height))


def _read_webp(content: bytes) -> Header:
    head = content[:30]
    if head[12:16] == b"VP8X" and head[20] & 2:
        # The decoder takes the first frame of an animation for a picture of its own.
        frame = content.find(b"ANMF") + 24
        if content[frame : frame + 4] == b"ALPH":
            size = _number(content, frame + 4, 4, "little")
            frame += 8 + size + size % 2
        head = content[:12] + content[frame : frame + 18]
    kind = head[12:16]
    if kind == b"VP8X":
        width, height = (1 + _number(head, position, 3, "little") for position in (24, 27))
    elif kind == b"VP8L":
        bits = _number(head, 21, 4, "little")
        width, height = 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
    elif kind == b"VP8 ":
        width, height = (size & 0x3FFF for size in struct.unpack_from("<HH", head, 26))
    else:
        return Header(0)
    return Header(width * height)


def _number(
    content: bytes, position: int, size: int, order: Literal["little", "big"] = "big"
) -> int:
    return int.from_bytes(content[position : position + size], order)


_READERS: dict[str, Callable[[bytes], Header]] = {
    "JPEG": _read_jpeg,
    "PNG": _read_png,
    "GIF": _read_gif,
    "BMP": _read_bmp,
    "WebP": _read_webp,
}
