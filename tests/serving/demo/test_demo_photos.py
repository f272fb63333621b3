import base64
import io

import pytest
from PIL import Image
from serving_helpers import photo

from serving.demo.photos import PhotoError, Photos, check_photo, find_gallery
from tagkeras.cli.errors import UserError


def encoded(format_, size=(40, 20), mode="RGB"):
    buffer = io.BytesIO()
    Image.new(mode, size).save(buffer, format_)
    return buffer.getvalue()


@pytest.mark.parametrize(
    "data",
    [*map(encoded, ["JPEG", "PNG", "GIF", "BMP", "WEBP"]), encoded("PNG", (5000, 5000), "1")],
)
def test_a_photo_is_kept_as_it_is(data):
    photos = Photos()
    assert photos.get(photos.add(data)) == data


@pytest.mark.parametrize(
    ("data", "status", "words"),
    [
        (b"no image", 415, "not a photo we can read"),
        (encoded("TIFF"), 415, "not a photo we can read"),
        (b"\0\0\0\x18ftypheic" + bytes(100), 415, "HEIC"),
        (encoded("PNG", (5001, 5000), "1"), 413, "too many pixels.*at most 25 million"),
    ],
)
def test_what_is_no_photo(data, status, words):
    with pytest.raises(PhotoError, match=words) as caught:
        check_photo(data)
    assert caught.value.status == status


def test_the_photo_asked_about_least_recently_is_dropped_first():
    size = len(photo(1))
    photos = Photos(max_bytes=2 * size)
    first, second = photos.add(photo(1)), photos.add(photo(2))
    assert photos.add(photo(2)) == second
    assert photos.get(first) == photo(1)
    third = photos.add(photo(3))
    assert photos.get(second) is None
    assert (photos.get(first), photos.get(third)) == (photo(1), photo(3))


def test_a_gallery_of_a_folder_and_of_a_pattern(tmp_path):
    for name in ("b.png", "a.PNG"):
        (tmp_path / name).write_bytes(encoded("PNG"))
    (tmp_path / "notes.txt").write_text("no photo")
    assert find_gallery(str(tmp_path)) == [tmp_path / "a.PNG", tmp_path / "b.png"]
    assert find_gallery(f"{tmp_path}/*.png") == [tmp_path / "b.png"]
    assert find_gallery(None) == []
    for absent in (tmp_path / "none" / "*.jpg", tmp_path / "none"):
        with pytest.raises(UserError, match="names no photos"):
            find_gallery(str(absent))


@pytest.mark.parametrize("data", [b"no image", encoded("JPEG", (400, 400))[:-300]])
def test_a_file_of_the_gallery_that_is_no_photo_is_named(tmp_path, data):
    (tmp_path / "bad.jpg").write_bytes(data)
    with pytest.raises(UserError, match=r"bad\.jpg: This file is not a photo"):
        Photos([tmp_path / "bad.jpg"])


def test_a_thumbnail_stands_upright(tmp_path):
    """Orientation 6: the left half of the file, black, is the top of the photo."""
    image = Image.new("RGB", (40, 40), "white")
    image.paste("black", (0, 0, 20, 40))
    exif = Image.Exif()
    exif[0x0112] = 6
    image.save(tmp_path / "photo.jpg", exif=exif)
    (url,) = Photos([tmp_path / "photo.jpg"]).thumbnails.values()
    head, _, data = url.partition(",")
    assert head == "data:image/jpeg;base64"
    small = Image.open(io.BytesIO(base64.b64decode(data))).convert("L")
    assert small.size == (160, 160)
    assert small.getpixel((140, 20)) < 20
    assert small.getpixel((20, 140)) > 235
