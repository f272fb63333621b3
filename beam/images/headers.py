"""What image files say of their size: read before decoding, which could fill the memory."""

import re
import struct
from collections.abc import Callable
from typing import Literal, NamedTuple

# A marker of JPEG with a length behind it, or the end; none of those in the midst of a scan.
_JPEG_MARKER = re.compile(rb"\xff[^\x00\x01\xd0-\xd8\xff]")
_JPEG_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_JPEG_END, _JPEG_SCAN = 0xD9, 0xDA

_GIF_EXTENSION, _GIF_FRAME = 0x21, 0x2C


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


def read_header(content: bytes) -> Header | None:
    """What an image file says, whether or not it can be decoded.

    Args:
        content: of the file.

    Returns:
        None if it is none of the formats that are read.
    """
    for start, read in _READERS.items():
        if content.startswith(start):
            try:
                return read(content)
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
    while content[position] == _GIF_EXTENSION:
        position = _skip_blocks(content, position + 2)
    if content[position] != _GIF_FRAME:
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


# How files of each format begin.
_READERS: dict[bytes, Callable[[bytes], Header]] = {
    b"\xff\xd8": _read_jpeg,
    b"\x89PNG": _read_png,
    b"GIF8": _read_gif,
    b"BM": _read_bmp,
    b"RIFF": _read_webp,
}
