"""The limits of image files: the same in Python, of bytes, and in a graph of stock ops."""

import io
import itertools
import re
import struct

import numpy as np
import pytest
import tensorflow as tf
from hostile_pictures import encode
from PIL import Image

from tagkeras.images import image_headers, image_limits
from tagkeras.images.image_formats import decode_any
from tagkeras.images.image_headers import ImageError, check_content, read_header
from tagkeras.images.image_limits import check_image

SIZE = (50, 40)


def make_picture(mode="RGB", size=SIZE):
    noise = np.random.default_rng(0).integers(0, 256, (size[1], size[0], 3), np.uint8)
    return Image.fromarray(noise).convert(mode)


def graph_checker():
    """A graph of its own, since the limits are constants in it."""
    graph = tf.function(
        lambda content: check_image(content, tf.constant("image 7")),
        input_signature=[tf.TensorSpec([], tf.string)],
    ).get_concrete_function()

    def check(content):
        try:
            return graph(tf.constant(content)).numpy()
        except tf.errors.InvalidArgumentError as error:
            raise ImageError(error.message.partition("image 7: ")[2]) from error

    return check


def check_in_python(content):
    try:
        return check_content(content)[0]
    except ImageError as error:
        raise ImageError(re.sub(r"(?<=\d),", "", str(error))) from error


CHECKERS = {"graph": graph_checker, "python": lambda: check_in_python}


@pytest.fixture(scope="module", params=CHECKERS)
def check(request):
    return CHECKERS[request.param]()


OTHERS = [Image.new("RGB", SIZE, color) for color in ("red", "green", "blue")]
ANIMATION = {"save_all": True, "append_images": OTHERS}
FILES = {
    "jpeg": encode(make_picture(), "JPEG"),
    "progressive": encode(make_picture(), "JPEG", progressive=True),
    "png": encode(make_picture(), "PNG"),
    "gif": encode(make_picture(), "GIF"),
    "exif": encode(make_picture(), "JPEG", exif=b"Exif\0\0" + b"\xff\xc0" * 99),
    "palette": encode(make_picture("P"), "PNG"),
    "bmp": encode(make_picture(), "BMP"),
    "webp": encode(make_picture(), "WEBP"),
    "lossless": encode(make_picture(), "WEBP", lossless=True),
    "extended": encode(make_picture("RGBA"), "WEBP"),
    "animated webp": encode(make_picture(), "WEBP", **ANIMATION),
    "animated lossless": encode(make_picture("RGBA"), "WEBP", lossless=True, **ANIMATION),
}


@pytest.mark.parametrize("name", FILES)
def test_good_files_pass_as_they_are(check, name):
    content = FILES[name]
    assert check(content) == (content + b";" if name == "gif" and content[-1:] != b";" else content)
    assert decode_any(tf.constant(check(content))).shape[:2] == SIZE[::-1]
    assert read_header(content).pixels == SIZE[0] * SIZE[1]


@pytest.fixture(scope="module", params=CHECKERS)
def check_small(request):
    """Checks that allow one pixel less than the pictures have."""

    def limited(function, *arguments):
        with pytest.MonkeyPatch.context() as patch:
            for module in (image_headers, image_limits):
                patch.setattr(module, "MAX_PIXELS", SIZE[0] * SIZE[1] - 1)
            return function(*arguments)

    checker = limited(CHECKERS[request.param])  # a graph is traced now
    return lambda content: limited(checker, content)


@pytest.mark.parametrize("name", [*FILES, "bmp upside down"])
def test_the_limit_of_pixels_is_exact(check, check_small, name):
    upside_down = FILES["bmp"][:22] + struct.pack("<i", -SIZE[1]) + FILES["bmp"][26:]
    content = FILES.get(name, upside_down)
    check(content)
    with pytest.raises(ImageError, match="more than 1999 pixels"):
        check_small(content)


def test_of_a_gif_the_first_frame_is_left(check):
    picture = make_picture("P")
    content = encode(picture, "GIF", **ANIMATION, comment=b"a comment" * 100, loop=0)
    assert Image.open(io.BytesIO(content)).n_frames == 4
    kept = check(content)
    assert Image.open(io.BytesIO(kept)).n_frames == 1
    assert len(kept) < len(content)
    np.testing.assert_array_equal(decode_any(tf.constant(kept)), picture.convert("RGB"))


def test_a_gif_of_small_blocks(check):
    """Blocks of 254 bytes, as some encoders make them, and of changing sizes."""
    content = FILES["gif"]
    start = content.index(b",", 13 + 3 * 256) + 10 + 1
    data, position = b"", start
    while content[position]:
        data += content[position + 1 : position + 1 + content[position]]
        position += 1 + content[position]
    for sizes in ([254], [1, 200, 3]):
        blocks, rest = b"", data
        for size in itertools.cycle(sizes):
            blocks += bytes([len(rest[:size])]) + rest[:size]
            rest = rest[size:]
            if not rest:
                break
        whole = content[:start] + blocks + b"\0"
        assert check(whole + b"!\xfe\x01a\0;") == whole + b";"


def test_a_gif_whose_blocks_change_in_size_is_given_up_in_graph():
    """After some thousand steps, whatever its length; each looks at a part of the file."""
    start = gif(frames=1)[:-6]
    content = start + b"\x01\x00\x02\x00\x00" * 2**20 + b"\0;"
    kept = graph_checker()(content)
    assert kept == content[: len(kept) - 1] + b";"
    assert len(start) < len(kept) < len(start) + 2**15


def gif(*, frames, size=(20, 20), screen=(20, 20)):
    frame = b"," + struct.pack("<HHHHB", 0, 0, *size, 0) + b"\x02\x02\x44\x01\0"
    return b"GIF89a" + struct.pack("<HH", *screen) + b"\0\0\0" + frame * frames + b";"


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"", "an empty file"),
        (b"hello", "not a JPEG, PNG, GIF, BMP or WebP file"),
        (b"RIF", "not a JPEG"),
        (b"II*\0", "not a JPEG"),
        (b"\xff\x0a" + bytes(50), "not a JPEG"),  # JPEG XL
        (gif(frames=1, size=(60000, 60000)), "more than 67108864 pixels"),
        (gif(frames=1, screen=(60000, 60000)), "more than 67108864 pixels"),
        (FILES["png"][:16] + struct.pack(">II", 2**31, 2**31) + FILES["png"][24:], "pixels"),
        (FILES["bmp"][:18] + struct.pack("<ii", 2**30, -(2**30)) + FILES["bmp"][26:], "pixels"),
        (FILES["extended"][:24] + b"\xff" * 6 + FILES["extended"][30:], "pixels"),
        (FILES["lossless"][:21] + b"\xff" * 4 + FILES["lossless"][25:], "pixels"),
        (FILES["webp"][:26] + b"\xff" * 4 + FILES["webp"][30:], "pixels"),
    ],
)
def test_bad_files_are_refused(check, content, problem):
    with pytest.raises(ImageError, match=problem):
        check(content)


@pytest.mark.parametrize("make", CHECKERS.values(), ids=CHECKERS)
def test_the_limit_of_bytes_and_scans(monkeypatch, make):
    for module in (image_headers, image_limits):
        monkeypatch.setattr(module, "MAX_SCANS", 3)
    make()(FILES["jpeg"])
    with pytest.raises(ImageError, match="more than 3 scans"):
        make()(FILES["progressive"])
    for module in (image_headers, image_limits):
        monkeypatch.setattr(module, "MAX_BYTES", 100)
    with pytest.raises(ImageError, match="more than 100 bytes"):
        make()(FILES["png"])


def test_scans_are_those_of_one_picture_in_python():
    content = FILES["progressive"]
    assert read_header(content).scans == content.count(b"\xff\xda") > 3
    assert read_header(content + content).scans == content.count(b"\xff\xda")


@pytest.mark.parametrize("name", FILES)
def test_files_cut_off_anywhere_are_refused_or_decoded(check, name):
    """Nothing else than an image that cannot be decoded is made of them."""
    content = FILES[name]
    for end in [*range(60), *np.random.default_rng(1).integers(60, len(content), 40)]:
        problem = ""
        try:
            decode_any(tf.constant(check(content[:end])))
        except ImageError:
            continue
        except (tf.errors.InvalidArgumentError, tf.errors.InternalError) as error:
            problem = error.message
        assert "slice index" not in problem
