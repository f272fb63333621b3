"""Image files that people or attackers may hand in, each with what becomes of the post."""

import io
import os
import struct
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from PIL import Image

WRITTEN = "written"

# The folder of the pictures and all metadata hold this word, which no detail may.
PRIVATE = "zanzibar"


class Picture(NamedTuple):
    """An image file."""

    expected: str  # the reason of its rejection, or `WRITTEN`
    make: bytes | Callable[[Path], object]  # its content, or what makes something at a path
    shows_scene: bool = False  # whether it is decoded to the colors of `scene()`


def scene(mode: str = "RGB") -> Image.Image:
    """A picture of four flat colors, which every format can hold as it is."""
    pixels = np.zeros((32, 48, 3), np.uint8)
    pixels[:16, :24] = 255, 0, 0
    pixels[:16, 24:] = 0, 0, 255
    pixels[16:, :24] = 0, 255, 0
    return Image.fromarray(pixels).convert(mode)


def see_through() -> Image.Image:
    """The scene with an alpha channel."""
    image = scene("RGBA")
    image.putalpha(Image.linear_gradient("L").resize(image.size))
    return image


def encode(image: Image.Image, file_format: str, **options: Any) -> bytes:
    """The file of an image."""
    stream = io.BytesIO()
    image.save(stream, file_format, **options)
    return stream.getvalue()


def animate(file_format: str, mode: str = "RGB", **options: Any) -> bytes:
    """An animation that begins with the scene."""
    others = [Image.new(mode, (48, 32), color) for color in ("white", "black")]
    image = scene(mode)
    return encode(image, file_format, save_all=True, append_images=others, **options)


def png(width: int, height: int, depth: int, color: int, rows: bytes, **more: Any) -> bytes:
    """A PNG file of raw rows, each behind the number of its filter.

    `depth` are the bits of a channel; there may be `interlaced`, and `chunks` before the rows.
    """
    header = struct.pack(">IIBBBBB", width, height, depth, color, 0, 0, more.get("interlaced", 0))
    chunks = [(b"IHDR", header), *more.get("chunks", []), (b"IDAT", zlib.compress(rows))]
    return b"\x89PNG\r\n\x1a\n" + b"".join(png_chunk(*c) for c in [*chunks, (b"IEND", b"")])


def png_chunk(kind: bytes, data: bytes) -> bytes:
    """A chunk of a PNG file."""
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png_rows(pixels: np.ndarray) -> bytes:
    """The rows of pixels, without a filter: [height, width, ...]."""
    flat = pixels.reshape(len(pixels), -1)
    if not flat.size:
        return b""
    return b"".join(b"\0" + row.astype(row.dtype.newbyteorder(">")).tobytes() for row in flat)


def interlaced_png() -> bytes:
    """The scene, in the seven passes of Adam7."""
    pixels = np.asarray(scene())
    passes = [(0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4), (2, 0, 4, 2), (0, 1, 2, 2)]
    passes.append((1, 0, 2, 1))
    rows = b"".join(png_rows(pixels[y::dy, x::dx]) for y, x, dy, dx in passes)
    return png(48, 32, 8, 2, rows, interlaced=1)


def webp_file(flags: int, chunks: bytes) -> bytes:
    """A WebP file in the extended format, of the scene's size."""
    size = struct.pack("<HBHB", 47, 0, 31, 0)
    body = b"WEBPVP8X" + struct.pack("<II", 10, flags) + size + chunks
    return b"RIFF" + struct.pack("<I", len(body)) + body


def gif(
    canvas: tuple[int, int], frame: tuple[int, int], data: bytes = b"\x02\x02\x4c\x01\0"
) -> bytes:
    """A GIF of one frame; the data is that of a single pixel."""
    head = b"GIF89a" + struct.pack("<HHBBB", *canvas, 0x80, 0, 0) + bytes(6)
    return head + b"," + struct.pack("<HHHHB", 0, 0, *frame, 0) + data + b";"


def gif_bomb() -> bytes:
    """A GIF of 3 MB whose frames have 8 billion pixels."""
    content = encode(Image.new("L", (2000, 2000)), "GIF")
    start = 13 + 3 * 2 ** ((content[10] & 7) + 1)
    frame = content[content.index(b",", start) : -1]
    return content[:start] + frame * 2000 + b";"


def jpeg_of_scans(number: int) -> bytes:
    """A progressive JPEG whose last scan comes again and again."""
    content = encode(scene("L"), "JPEG", progressive=True)
    last = content.rindex(b"\xff\xda")
    return content[:last] + content[last:-2] * number + content[-2:]


def with_jpeg_size(content: bytes, width: int, height: int) -> bytes:
    """A baseline JPEG that claims another size."""
    at = content.index(b"\xff\xc0") + 5
    return content[:at] + struct.pack(">HH", height, width) + content[at + 4 :]


def with_jpeg_segment(content: bytes, marker: int, data: bytes) -> bytes:
    """A JPEG with one more segment in front."""
    return (
        content[:2] + bytes([0xFF, marker]) + struct.pack(">H", len(data) + 2) + data + content[2:]
    )


def replace(content: bytes, at: int, data: bytes) -> bytes:
    """Content with other bytes at a place."""
    return content[:at] + data + content[at + len(data) :]


def sparse(path: Path) -> None:
    """A file of a GB that takes no space, and begins as an image."""
    with path.open("wb") as stream:
        stream.write(encode(scene(), "PNG"))
        stream.truncate(2**30)


def good_pictures() -> dict[str, Picture]:
    """Files that are decoded, whatever they look like."""
    jpeg, plain = encode(scene(), "JPEG", quality=98, subsampling=0), encode(scene(), "PNG")
    pixels = np.asarray(scene())
    clear = see_through()
    grey = np.asarray(scene("L"))
    shown = {
        "jpeg": jpeg,
        "jpeg_progressive": encode(scene(), "JPEG", quality=98, subsampling=0, progressive=True),
        "jpeg_cmyk": encode(scene("CMYK"), "JPEG", quality=98),
        "jpeg_with_junk_behind": jpeg + b"<html>" * 99,
        "jpeg_with_another_behind": jpeg + encode(Image.new("L", (9, 9)), "JPEG"),
        "jpeg_exif_garbage": with_jpeg_segment(jpeg, 0xE1, b"Exif\0\0" + b"\xff" * 500),
        "jpeg_exif_cut_short": with_jpeg_segment(jpeg, 0xE1, b"Exif\0\0MM\0"),
        "jpeg_exif_of_loops": with_jpeg_segment(
            jpeg, 0xE1, b"Exif\0\0II*\0\x08\0\0\0" + b"\x01\0\x69\x87\x04\0\x01\0\0\0\x08\0\0\0" * 9
        ),
        "jpeg_comment_of_markers": with_jpeg_segment(jpeg, 0xFE, b"\xff\xda\xff\xd9" * 999),
        "jpeg_named_png": jpeg,
        "png": plain,
        "png_interlaced": interlaced_png(),
        "png_16_bit": png(48, 32, 16, 2, png_rows(pixels.astype(np.uint16) * 257)),
        "png_alpha": encode(clear, "PNG"),
        "png_palette": encode(scene("P"), "PNG"),
        "png_animated": animate("PNG"),
        "png_with_junk_behind": plain + b"\0" * 999,
        "png_inflates_to_more": png(48, 32, 8, 2, png_rows(pixels) + bytes(30_000_000)),
        "png_text_bomb": png(
            48, 32, 8, 2, png_rows(pixels),
            chunks=[(b"zTXt", b"Comment\0\0" + zlib.compress(bytes(30_000_000)))],
        ),
        "png_bad_crc_of_a_text": png(
            48, 32, 8, 2, png_rows(pixels), chunks=[(b"tEXt", b"Comment\0hello")]
        ).replace(b"hello", b"jello"),
        "gif": encode(scene("P"), "GIF"),
        "gif_animated": animate("GIF"),
        "gif_cut_in_the_second_frame": animate("GIF")[:-30],
        "bmp": encode(scene(), "BMP"),
        "bmp_palette": encode(scene("P"), "BMP"),
        "bmp_alpha": encode(clear, "BMP"),
        "webp": encode(scene(), "WEBP", quality=100),
        "webp_lossless": encode(scene(), "WEBP", lossless=True),
        "webp_alpha": encode(clear, "WEBP", quality=100, exact=True),
        "webp_lossless_alpha": encode(clear, "WEBP", lossless=True, exact=True),
        "webp_animated": animate("WEBP", quality=100),
        "webp_lossless_animated": animate("WEBP", lossless=True),
        "webp_alpha_that_is_none": webp_file(16, encode(scene(), "WEBP", quality=100)[12:]),
        "webp_unknown_chunks": webp_file(
            0, b"ANMF\2\0\0\0xxMORE\1\0\0\0x\0" + encode(scene(), "WEBP", quality=100)[12:]
        ),
        "webp_alpha_animated": animate("WEBP", "RGBA", quality=100),
    }  # fmt: skip
    others = {
        "jpeg_grey": encode(scene("L"), "JPEG"),
        "png_grey": encode(scene("L"), "PNG"),
        "png_grey_alpha": encode(scene("LA"), "PNG"),
        "png_grey_16_bit": png(48, 32, 16, 0, png_rows(grey.astype(np.uint16) * 257)),
        "png_1_bit": encode(scene("1"), "PNG"),
        "bmp_grey": encode(scene("L"), "BMP"),
        "one_pixel": encode(Image.new("RGB", (1, 1)), "PNG"),
        "one_pixel_gif": gif((1, 1), (1, 1)),
        "tall": encode(Image.new("RGB", (1, 5000)), "PNG"),
        "wide": encode(Image.new("RGB", (60_000, 1)), "JPEG"),
        "gif_bomb": gif_bomb(),
        "jpeg_of_50_scans": jpeg_of_scans(50),
    }
    return {
        **{name: Picture(WRITTEN, content, shows_scene=True) for name, content in shown.items()},
        **{name: Picture(WRITTEN, content) for name, content in others.items()},
    }


def bad_pictures() -> dict[str, Picture]:
    """Files that are no pictures, or not to be decoded."""
    jpeg, plain = encode(scene(), "JPEG"), encode(scene(), "PNG")
    bitmap, palette = encode(scene(), "BMP"), encode(scene("P"), "PNG")
    palette_bmp = encode(scene("P"), "BMP")
    webp, lossless = encode(scene(), "WEBP"), encode(scene(), "WEBP", lossless=True)
    alpha_webp = encode(see_through(), "WEBP")
    animated, flat = animate("WEBP"), encode(scene("P"), "GIF")
    noise = np.random.default_rng(0).bytes(5000)
    rows = png_rows(np.asarray(scene()))
    data = plain.index(b"IDAT")
    first_frame = animated.index(b"ANMF")
    unreadable = {
        "empty": b"",
        "one_byte": b"\xff",
        "zeros": bytes(1000),
        "noise": noise,
        "text": b"no picture here\n" * 9,
        "html": b"<!DOCTYPE html><html><body>404 Not Found</body></html>",
        "svg": b'<svg xmlns="http://www.w3.org/2000/svg"><rect width="9" height="9"/></svg>',
        "tiff": encode(scene(), "TIFF"),
        "heic": b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + noise,
        "avif": b"\0\0\0\x1cftypavif\0\0\0\0avifmif1miaf" + noise,
        "jpeg_xl": b"\xff\x0a" + noise,
        "jpeg_xl_container": b"\0\0\0\x0cJXL \r\n\x87\n" + noise,
        "jpeg_2000": b"\0\0\0\x0cjP  \r\n\x87\n" + noise,
        "pdf": b"%PDF-1.7\n" + noise,
        "zip": b"PK\x03\x04" + noise,
        "gzip": b"\x1f\x8b\x08" + noise,
        "ico": b"\0\0\1\0\1\0\x10\x10\0\0\1\0\x20\0\x68\4\0\0\x16\0\0\0" + noise,
        "eps": b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n",
        "avi": b"RIFF\0\1\0\0AVI LIST" + noise,
        "mp4": b"\0\0\0\x18ftypmp42" + noise,
        "elf": b"\x7fELF" + noise,
        "pickle": b"\x80\x04cos\nsystem\n(S'false'\ntR.",
        "jpeg_cut": jpeg[:-40],
        "jpeg_cut_in_the_header": jpeg[:100],
        "jpeg_progressive_cut": encode(scene(), "JPEG", progressive=True)[:-40],
        "jpeg_start_only": b"\xff\xd8\xff",
        "jpeg_start_and_end": b"\xff\xd8\xff\xd9",
        "jpeg_noise": jpeg[:20] + noise,
        "jpeg_no_size": with_jpeg_size(jpeg, 0, 0),
        "jpeg_without_tables": jpeg.replace(b"\xff\xdb", b"\xff\xfe"),
        "png_cut": plain[:-30],
        "png_cut_in_the_header": plain[:20],
        "png_start_only": plain[:8],
        "png_without_rows": plain[: data - 4] + png_chunk(b"IEND", b""),
        "png_too_few_rows": png(48, 32, 8, 2, rows[:999]),
        "png_bad_crc": replace(plain, data + 20, bytes([plain[data + 20] ^ 255])),
        "png_bad_crc_of_the_header": replace(plain, 29, b"\0\0\0\0"),
        "png_no_zlib": plain[: data - 4] + png_chunk(b"IDAT", noise) + png_chunk(b"IEND", b""),
        "png_no_size": png(0, 0, 8, 2, b""),
        "png_bad_depth": png(48, 32, 7, 2, rows),
        "png_bad_color_type": png(48, 32, 8, 5, rows),
        "png_without_palette": palette.replace(b"PLTE", b"pLTE"),
        "png_too_long_a_palette": png(48, 32, 8, 3, rows, chunks=[(b"PLTE", bytes(3 * 300))]),
        "png_a_row_too_wide": png(2**21, 1, 1, 0, bytes(1 + 2**18)),
        "gif_cut": flat[:-60],
        "gif_start_only": b"GIF89a",
        "gif_cut_in_the_palette": flat[:200],
        "gif_without_frames": gif((1, 1), (1, 1))[:19] + b";",
        "gif_no_size": gif((0, 0), (0, 0)),
        "gif_color_out_of_the_palette": gif((1, 1), (1, 1), b"\x02\x02\x5c\x01\0"),
        "bmp_cut": bitmap[:-40],
        "bmp_start_only": b"BM",
        "bmp_no_size": replace(bitmap, 18, bytes(8)),
        "bmp_one_bit": encode(scene("1"), "BMP"),
        "bmp_7_bits": replace(bitmap, 28, b"\7"),
        "bmp_pixels_elsewhere": replace(bitmap, 10, b"\xff\xff\xff\x7f"),
        "bmp_without_palette": replace(palette_bmp[:54], 10, b"\x36\0\0\0") + b"\1" * 1536,
        "webp_cut": webp[:-20],
        "webp_lossless_cut": lossless[:-4],
        "webp_start_only": b"RIFF\x10\0\0\0WEBP",
        "webp_noise": webp[:20] + noise,
        "webp_cut_in_the_first_frame": animated[: first_frame + 40],
        "webp_without_frames": animated[:first_frame],
        "webp_picture_without_a_frame": animated[:20] + b"VP8L" + lossless[16:],
        "webp_frame_of_noise": animated[: first_frame + 8] + noise,
        "webp_alpha_too_long": animated[: first_frame + 24] + b"ALPH\xff\xff\xff\xff" + noise,
        "webp_animation_in_an_animation": (
            animated[: first_frame + 24] + animated[12:20] + b"\x12" + animated[21:]
        ),
        "webp_alpha_that_is_not_said": webp_file(0, alpha_webp[30:]),
    }
    too_large = {
        "jpeg_claims_much": with_jpeg_size(jpeg, 65_500, 65_500),
        "jpeg_claims_much_and_is_cut": with_jpeg_size(jpeg, 65_500, 65_500)[:300],
        "jpeg_of_200_scans": jpeg_of_scans(200),
        "png_bomb": png(30_000, 30_000, 1, 0, bytes(30_000 * 3751)),
        "png_claims_much": png(2**31 - 1, 2**31 - 1, 8, 2, b"\0"),
        "png_claims_more": png(2**32 - 1, 2**32 - 1, 16, 6, b"\0"),
        "gif_claims_much": gif((65_535, 65_535), (1, 1)),
        "gif_frame_claims_much": gif((1, 1), (65_535, 65_535)),
        "bmp_claims_much": replace(bitmap, 18, struct.pack("<ii", 2**31 - 1, 2**31 - 1)),
        "bmp_claims_much_upside_down": replace(bitmap, 18, struct.pack("<ii", 9999, -(2**31))),
        "webp_claims_much": lossless[:21] + b"\xff\xff\xff\x0f" + lossless[25:],
        "webp_lossy_claims_much": replace(webp, 26, b"\xff\x3f\xff\x3f"),
        "webp_canvas_claims_much": alpha_webp[:24]
        + b"\xff" * 6 + noise,
        "webp_canvas_in_a_frame_claims_much": animated[: first_frame + 24]
        + webp_file(0, b"")[12:24] + b"\xff" * 6 + noise,
        "webp_frame_claims_much": replace(
            animate("WEBP", lossless=True),
            animate("WEBP", lossless=True).index(b"VP8L") + 9, b"\xff\xff\xff\x0f",
        ),
        "a_gigabyte": sparse,
    }  # fmt: skip
    return {
        **{name: Picture("image_unreadable", content) for name, content in unreadable.items()},
        **{name: Picture("image_too_large", content) for name, content in too_large.items()},
    }


def missing_pictures() -> dict[str, Picture]:
    """What stands where an image file should."""
    return {
        "folder": Picture("image_missing", Path.mkdir),
        "fifo": Picture("image_missing", os.mkfifo),
        "loop_of_links": Picture("image_missing", lambda path: path.symlink_to(path.name)),
        "link_to_nothing": Picture("image_missing", lambda path: path.symlink_to("nothing")),
        "link_to_zeros": Picture("image_missing", lambda path: path.symlink_to("/dev/zero")),
        "link_to_a_picture": Picture(WRITTEN, link_to_a_picture, shows_scene=True),
        "absent": Picture("image_missing", lambda path: None),
    }


def link_to_a_picture(path: Path) -> None:
    """A link and what it leads to."""
    target = path.with_name(f"{PRIVATE}-target")
    target.write_bytes(encode(scene(), "PNG"))
    path.symlink_to(target.name)
