import io
import struct

import keras
import numpy as np
import pytest
import tensorflow as tf
from hostile_pictures import encode
from PIL import Image, ImageOps

from tagkeras.images.image_decoder import ImageDecoder, decode_image, exif_orientation
from tagkeras.images.image_formats import decode_any

HEIGHT, WIDTH = 40, 30
ORIENTATION_TAG = 0x0112


def make_picture(mode="RGB"):
    """A smooth picture without symmetry, 64 x 48."""
    y, x = np.mgrid[0:48, 0:64]
    channels = [x * 3.9, y * 5.2, (x + 2 * y) * 1.5]
    return Image.fromarray(np.stack(channels, axis=-1).astype(np.uint8)).convert(mode)


def make_exif(orientation, byte_order=">"):
    exif = Image.Exif()
    exif.endian = byte_order
    exif[0x010F] = "a maker"
    exif[ORIENTATION_TAG] = orientation
    exif[0x0131] = "a program"
    return exif.tobytes()


def decode(content, height=HEIGHT, width=WIDTH):
    return decode_image(tf.constant(content), height, width).numpy()


def resize(pixels):
    return tf.image.resize(pixels, [HEIGHT, WIDTH], antialias=True).numpy()


@pytest.mark.parametrize("byte_order", ["<", ">"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation_is_honoured(orientation, byte_order):
    content = encode(make_picture(), "JPEG", quality=95, exif=make_exif(orientation, byte_order))
    assert exif_orientation(tf.constant(content)).numpy() == orientation
    upright = ImageOps.exif_transpose(Image.open(io.BytesIO(content)))
    # TensorFlow and Pillow decode JPEG with other roundings.
    np.testing.assert_allclose(decode(content), resize(np.asarray(upright)), atol=6)
    lying = resize(np.asarray(Image.open(io.BytesIO(content))))
    assert (np.abs(decode(content) - lying).max() > 30) == (orientation > 1)


def splice(exif):
    """A JPEG file with an APP1 segment of these bytes."""
    content = encode(make_picture(), "JPEG")
    segment = b"\xff\xe1" + struct.pack(">H", len(exif) + 2) + exif
    return content[:2] + segment + content[2:]


def tiff(entries, *, order=b"II", offset=8):
    packing = "<" if order == b"II" else ">"
    header = order + struct.pack(packing + "HIH", 42, offset, len(entries))
    directory = [struct.pack(packing + "HHIHH", *entry, 0) for entry in entries]
    return b"Exif\0\0" + header + b"".join(directory)


@pytest.mark.parametrize(
    ("exif", "orientation"),
    [
        (tiff([(ORIENTATION_TAG, 3, 1, 6)]), 6),
        (tiff([(ORIENTATION_TAG, 3, 1, 6)], order=b"MM"), 6),
        (tiff([(1, 3, 1, 6), (ORIENTATION_TAG, 3, 1, 3)]), 3),
        (tiff([]), 1),
        (tiff([(ORIENTATION_TAG, 3, 1, 0)]), 1),
        (tiff([(ORIENTATION_TAG, 3, 1, 9)]), 1),
        (tiff([(ORIENTATION_TAG, 2, 1, 6)]), 1),  # of another type
        (tiff([(ORIENTATION_TAG, 3, 1, 6)], offset=4_000_000_000), 1),
        (tiff([(ORIENTATION_TAG, 3, 1, 6)], offset=60_000), 1),
        (tiff([(ORIENTATION_TAG, 3, 1, 6)])[:-6], 1),  # cut short
        (b"Exif\0\0", 1),
        (b"Exif\0\0II", 1),
        (b"Exif", 1),
        (b"", 1),
        (b"x" + tiff([(ORIENTATION_TAG, 3, 1, 6)]), 1),  # not at the start of its segment
    ],
)
def test_odd_exif(exif, orientation):
    content = splice(exif)
    assert exif_orientation(tf.constant(content)).numpy() == orientation
    assert decode(content).shape == (HEIGHT, WIDTH, 3)


@pytest.mark.parametrize("content", [b"", b"\xff", b"\xff\xd8", b"\xff\xd8Exif\0\0", b"\x89PNG"])
def test_no_orientation_of_what_is_no_image(content):
    assert exif_orientation(tf.constant(content)).numpy() == 1


@pytest.mark.parametrize(
    ("mode", "file_format", "options"),
    [
        ("RGB", "JPEG", {"quality": 98, "subsampling": 0}),
        ("RGB", "JPEG", {"quality": 98, "subsampling": 0, "progressive": True}),
        ("CMYK", "JPEG", {"quality": 98}),
        ("L", "JPEG", {"quality": 98}),
        ("RGB", "PNG", {}),
        ("RGBA", "PNG", {}),
        ("L", "PNG", {}),
        ("P", "PNG", {}),
        ("P", "BMP", {}),
        ("L", "BMP", {}),
        ("RGB", "BMP", {}),
        ("RGBA", "BMP", {}),
        ("RGB", "GIF", {}),
        ("RGB", "WEBP", {"lossless": True, "icc_profile": b"ANMF" * 50}),
    ],
)
def test_formats(mode, file_format, options):
    content = encode(make_picture(mode), file_format, **options)
    expected = np.asarray(Image.open(io.BytesIO(content)).convert("RGB"))
    pixels = decode(content)
    assert pixels.dtype == np.float32
    np.testing.assert_allclose(pixels, resize(expected), atol=4)


@pytest.mark.parametrize("mode", ["RGB", "RGBA"])
@pytest.mark.parametrize("options", [{"lossless": True, "exact": True}, {"quality": 100}])
def test_webp_with_and_without_alpha_and_animation(mode, options):
    picture = make_picture(mode)
    if mode == "RGBA":
        picture.putalpha(Image.linear_gradient("L").resize(picture.size))
    still = encode(picture, "WEBP", **options)
    expected = np.asarray(Image.open(io.BytesIO(still)).convert(mode))[..., :3]
    np.testing.assert_allclose(decode_any(tf.constant(still)), expected, atol=1)
    others = [Image.new(mode, picture.size, color) for color in ("red", "blue")]
    animated = encode(picture, "WEBP", save_all=True, append_images=others, **options)
    assert b"ANMF" in animated
    np.testing.assert_allclose(decode(animated), decode(still), atol=4)


def test_16_bit_png():
    values = np.linspace(0, 65535, 64 * 48).reshape(48, 64).astype(np.uint16)
    pixels = decode(encode(Image.fromarray(values), "PNG"))
    np.testing.assert_allclose(pixels, resize(np.stack([values // 256] * 3, axis=-1)), atol=1)


def test_first_frame_of_an_animation():
    frames = [Image.new("RGB", (20, 20), color) for color in ("red", "blue")]
    content = encode(frames[0], "GIF", save_all=True, append_images=frames[1:])
    np.testing.assert_allclose(decode(content), np.full((HEIGHT, WIDTH, 3), [255, 0, 0]), atol=1)


def test_a_batch_of_every_format_and_orientation_in_a_graph():
    contents = [encode(make_picture(), name) for name in ("PNG", "BMP", "WEBP", "GIF")]
    contents += [encode(make_picture(), "JPEG", exif=make_exif(turn)) for turn in range(1, 9)]
    decoder = ImageDecoder(HEIGHT, WIDTH)
    graph = tf.function(decoder, input_signature=[tf.TensorSpec([None], tf.string)])
    for pixels, content in zip(graph(tf.constant(contents)), contents, strict=True):
        np.testing.assert_array_equal(pixels, decode(content))
    assert decoder(tf.constant([], tf.string)).shape == (0, HEIGHT, WIDTH, 3)


def test_range_size_and_one_pixel():
    noise = np.random.default_rng(0).integers(0, 2, (50, 70, 3)).astype(np.uint8) * 255
    pixels = decode(encode(Image.fromarray(noise), "PNG"), 224, 224)
    assert pixels.shape == (224, 224, 3)
    assert pixels.min() >= 0
    assert pixels.max() <= 255
    dot = decode(encode(Image.new("RGB", (1, 1), (9, 8, 7)), "PNG"))
    np.testing.assert_allclose(dot, np.full((HEIGHT, WIDTH, 3), [9, 8, 7]), atol=1e-4)


@pytest.mark.parametrize("content", [b"", b"not an image", encode(make_picture(), "JPEG")[:200]])
def test_what_is_no_image_raises(content):
    with pytest.raises(tf.errors.InvalidArgumentError):
        ImageDecoder(HEIGHT, WIDTH)(tf.constant([content]))


def test_config_round_trip():
    layer = ImageDecoder(32, 48)
    restored = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(layer))
    assert (restored.height, restored.width) == (32, 48)


@pytest.mark.parametrize("size", [(0, 3), (3, -1)])
def test_refuses_sizes(size):
    with pytest.raises(ValueError, match="received"):
        ImageDecoder(*size)
