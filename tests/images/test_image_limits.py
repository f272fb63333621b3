import io
import itertools
import struct

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from tagkeras.images import image_limits
from tagkeras.images.image_formats import decode_any
from tagkeras.images.image_limits import check_image

SIZE = (50, 40)


def make_picture(mode="RGB", size=SIZE):
    noise = np.random.default_rng(0).integers(0, 256, (size[1], size[0], 3), np.uint8)
    return Image.fromarray(noise).convert(mode)


def encode(image, file_format, **options):
    stream = io.BytesIO()
    image.save(stream, file_format, **options)
    return stream.getvalue()


def checker():
    """A graph of its own, since the limits are constants in it."""
    return tf.function(
        lambda content: check_image(content, tf.constant("image 7")),
        input_signature=[tf.TensorSpec([], tf.string)],
    )


@pytest.fixture(scope="module")
def check():
    return checker()


def refusal(check, content):
    with pytest.raises(tf.errors.InvalidArgumentError) as caught:
        check(tf.constant(content))
    return caught.value.message


OTHERS = [Image.new("RGB", SIZE, color) for color in ("red", "green", "blue")]
ANIMATION = {"save_all": True, "append_images": OTHERS}
FILES = {
    "jpeg": encode(make_picture(), "JPEG"),
    "progressive": encode(make_picture(), "JPEG", progressive=True),
    "png": encode(make_picture(), "PNG"),
    "gif": encode(make_picture(), "GIF"),
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
    checked = check(tf.constant(content)).numpy()
    assert checked == (content + b";" if name == "gif" and content[-1:] != b";" else content)
    assert decode_any(tf.constant(checked)).shape[:2] == SIZE[::-1]


@pytest.fixture(scope="module")
def checks_by_limit():
    checks = {}
    for limit in (SIZE[0] * SIZE[1], SIZE[0] * SIZE[1] - 1):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(image_limits, "MAX_PIXELS", limit)
            checks[limit] = checker()
            checks[limit](tf.constant(encode(Image.new("L", (1, 1)), "PNG")))  # traced now
    return checks


@pytest.mark.parametrize("name", FILES)
def test_the_limit_of_pixels_is_exact(checks_by_limit, name):
    checks_by_limit[2000](tf.constant(FILES[name]))
    assert "image 7: more than 1999 pixels" in refusal(checks_by_limit[1999], FILES[name])


def test_a_bmp_upside_down(checks_by_limit):
    content = FILES["bmp"][:22] + struct.pack("<i", -SIZE[1]) + FILES["bmp"][26:]
    checks_by_limit[2000](tf.constant(content))
    assert "image 7: more than 1999 pixels" in refusal(checks_by_limit[1999], content)


def test_of_a_gif_the_first_frame_is_left(check):
    picture = make_picture("P")
    content = encode(picture, "GIF", **ANIMATION, comment=b"a comment" * 100, loop=0)
    assert Image.open(io.BytesIO(content)).n_frames == 4
    kept = check(tf.constant(content)).numpy()
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
        assert check(tf.constant(whole + b"!\xfe\x01a\0;")).numpy() == whole + b";"


def test_a_gif_whose_blocks_change_in_size_is_given_up(check):
    """After some thousand steps, whatever its length; each looks at a part of the file."""
    start = gif(frames=1)[:-6]
    content = start + b"\x01\x00\x02\x00\x00" * 2**20 + b"\0;"
    kept = check(tf.constant(content)).numpy()
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
        (b"\xff\x0a" + bytes(50), "not a JPEG"),  # JPEG XL
        (gif(frames=1, size=(60000, 60000)), "more than 67108864 pixels"),
        (gif(frames=1, screen=(60000, 60000)), "more than 67108864 pixels"),
        (FILES["png"][:16] + struct.pack(">II", 2**31, 2**31) + FILES["png"][24:], "pixels"),
        (FILES["bmp"][:18] + struct.pack("<ii", 2**30, -(2**30)) + FILES["bmp"][26:], "pixels"),
        (FILES["extended"][:24] + b"\xff" * 6 + FILES["extended"][30:], "pixels"),
        (FILES["lossless"][:21] + b"\xff" * 4 + FILES["lossless"][25:], "pixels"),
        (FILES["webp"][:26] + b"\xff" * 4 + FILES["webp"][30:], "pixels"),
        (FILES["jpeg"][:30], "Invalid JPEG data"),
    ],
)
def test_bad_files_are_refused(check, content, problem):
    message = refusal(check, content)
    assert problem in message
    assert "JPEG data" in problem or "image 7: " in message


def test_the_limit_of_bytes_and_scans(monkeypatch):
    monkeypatch.setattr(image_limits, "MAX_SCANS", 3)
    checker()(tf.constant(FILES["jpeg"]))
    assert "image 7: more than 3 scans" in refusal(checker(), FILES["progressive"])
    monkeypatch.setattr(image_limits, "MAX_BYTES", 100)
    assert "image 7: more than 100 bytes" in refusal(checker(), FILES["png"])


@pytest.mark.parametrize("name", FILES)
def test_files_cut_off_anywhere_are_refused_or_decoded(check, name):
    """Nothing else than an image that cannot be decoded is made of them."""
    content = FILES[name]
    for end in [*range(60), *np.random.default_rng(1).integers(60, len(content), 40)]:
        problem = ""
        try:
            decode_any(check(tf.constant(content[:end])))
        except (tf.errors.InvalidArgumentError, tf.errors.InternalError) as error:
            problem = error.message
        assert "slice index" not in problem
