import io

import pytest
from PIL import Image

from tagkeras.images.image_headers import read_header


def encode(file_format, mode="RGB", size=(37, 21), **options):
    stream = io.BytesIO()
    Image.new(mode, size).save(stream, file_format, **options)
    return stream.getvalue()


FILES = [
    encode("JPEG"),
    encode("JPEG", progressive=True),
    encode("JPEG", exif=b"Exif\0\0" + b"\xff\xc0\xff\xda" * 99),
    encode("PNG"),
    encode("PNG", "P"),
    encode("GIF", "P"),
    encode("GIF", "L", save_all=True, append_images=[Image.new("L", (37, 21), 9)]),
    encode("BMP"),
    encode("BMP", "P"),
    encode("WEBP"),
    encode("WEBP", lossless=True),
    encode("WEBP", "RGBA"),
    encode("WEBP", exif=b"Exif\0\0"),
    encode("WEBP", save_all=True, append_images=[Image.new("RGB", (37, 21), 9)]),
    encode("WEBP", "RGBA", save_all=True, append_images=[Image.new("RGBA", (37, 21), 9)]),
    encode("WEBP", lossless=True, save_all=True, append_images=[Image.new("RGB", (37, 21), 9)]),
]


@pytest.mark.parametrize("content", FILES)
def test_counts_the_pixels(content):
    assert read_header(content).pixels == 37 * 21


@pytest.mark.parametrize("content", FILES)
def test_a_file_cut_anywhere(content):
    for size in range(min(len(content), 400)):
        header = read_header(content[:size])
        assert header is None or header.pixels <= 37 * 21


@pytest.mark.parametrize("content", [b"", b"<svg/>", b"\xff\x0a", b"II*\0", b"\0\0\1\0", b"RIF"])
def test_other_formats(content):
    assert read_header(content) is None


def test_counts_the_scans_of_a_jpeg():
    assert read_header(encode("JPEG")).scans == 1
    content = encode("JPEG", "L", progressive=True)
    assert read_header(content).scans == content.count(b"\xff\xda") > 3
    assert read_header(content + content).scans == content.count(b"\xff\xda")


def test_finds_the_end_of_the_first_frame_of_a_gif():
    frames = [Image.effect_noise((300, 200), sigma) for sigma in (90, 80, 70)]
    stream = io.BytesIO()
    frames[0].save(stream, "GIF", save_all=True, append_images=frames[1:], comment=b"hello")
    content = stream.getvalue()
    first = Image.open(io.BytesIO(content[: read_header(content).end] + b";"))
    assert first.n_frames == 1
    assert first.convert("L").tobytes() == frames[0].tobytes()
    assert read_header(content[:1000]).end is None
