import base64
import io
import struct
import zlib

import pytest
from PIL import Image

from serving.demo import photos
from serving.demo.photos import PhotoError
from tagkeras.cli.errors import UserError


def encoded(format_, size=(40, 20), **options):
    buffer = io.BytesIO()
    Image.new("RGB", size, (200, 0, 0)).save(buffer, format_, **options)
    return buffer.getvalue()


def png_of(width, height):
    """The head of a PNG of a size that it only claims."""
    size = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    rest = b"IDAT" + zlib.compress(b"")
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(part) - 4) + part + struct.pack(">I", zlib.crc32(part))
        for part in (size, rest)
    )


@pytest.mark.parametrize("format_", ["JPEG", "PNG", "GIF", "BMP", "WEBP"])
def test_a_photo_is_read_as_it_is(tmp_path, format_):
    (tmp_path / "photo").write_bytes(encoded(format_))
    assert photos.read_photo(tmp_path / "photo") == encoded(format_)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"no image", "not a photo we can read"),
        (b"", "not a photo we can read"),
        (encoded("TIFF"), "not a photo we can read"),
        (b"\0\0\0\x18ftypheic" + bytes(100), "HEIC"),
        (b"\0\0\0\x18ftypmif1" + bytes(100), "HEIC"),
        (bytes(photos.MAX_BYTES + 1), "at most 20 MB"),
        (png_of(20_000, 20_000), "too many pixels"),  # more than Pillow takes
        (png_of(5001, 5000), "too many pixels.*at most 25 million"),
    ],
)
def test_what_is_no_photo(tmp_path, data, words):
    (tmp_path / "photo.jpg").write_bytes(data)
    with pytest.raises(PhotoError, match=words):
        photos.read_photo(tmp_path / "photo.jpg")


def test_a_photo_of_as_many_pixels_as_may_be(tmp_path):
    (tmp_path / "photo.png").write_bytes(png_of(5000, 5000))
    assert photos.read_photo(tmp_path / "photo.png") == png_of(5000, 5000)


def test_a_photo_that_is_gone(tmp_path):
    with pytest.raises(PhotoError, match="choose it again"):
        photos.read_photo(tmp_path / "photo.jpg")


def test_examples_of_a_folder_and_a_pattern(tmp_path):
    for name in ("b.png", "a.PNG"):
        (tmp_path / name).write_bytes(encoded("PNG"))
    (tmp_path / "notes.txt").write_text("no photo")
    assert photos.find_examples(str(tmp_path)) == [tmp_path / "a.PNG", tmp_path / "b.png"]
    assert photos.find_examples(f"{tmp_path}/*.png") == [tmp_path / "b.png"]
    assert photos.find_examples(None) == []


def test_examples_that_are_not_there(tmp_path):
    with pytest.raises(UserError, match="names no photos"):
        photos.find_examples(str(tmp_path))
    with pytest.raises(UserError, match="names no photos"):
        photos.find_examples(str(tmp_path / "none" / "*.jpg"))


def test_an_example_that_is_no_photo_is_named(tmp_path):
    (tmp_path / "bad.jpg").write_bytes(b"no image")
    with pytest.raises(UserError, match=r"bad\.jpg: This file is not a photo"):
        photos.find_examples(str(tmp_path))


def test_a_thumbnail_stands_upright(tmp_path):
    """Orientation 6: the left half of the file, black, is the top of the photo."""
    image = Image.new("RGB", (40, 40), "white")
    image.paste("black", (0, 0, 20, 40))
    exif = Image.Exif()
    exif[0x0112] = 6
    image.save(tmp_path / "photo.jpg", exif=exif)
    head, _, data = photos.thumbnail(tmp_path / "photo.jpg").partition(",")
    assert head == "data:image/jpeg;base64"
    small = Image.open(io.BytesIO(base64.b64decode(data))).convert("L")
    assert small.size == (160, 160)
    assert small.getpixel((140, 20)) < 20
    assert small.getpixel((20, 140)) > 235


def test_a_damaged_example(tmp_path):
    (tmp_path / "half.jpg").write_bytes(encoded("JPEG", (400, 400))[:-300])
    with pytest.raises(UserError, match=r"half\.jpg"):
        photos.thumbnail(tmp_path / "half.jpg")
