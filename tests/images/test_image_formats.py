import io

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from tagkeras.images.image_formats import decode_any


def make_picture(mode="RGB"):
    y, x = np.mgrid[0:24, 0:31]
    image = Image.fromarray(np.stack([x * 8, y * 10, x + y], axis=-1).astype(np.uint8))
    if mode == "RGBA":
        image.putalpha(Image.fromarray((255 - x * 4).astype(np.uint8)))
    return image.convert(mode)


def encode(image, file_format, **options):
    stream = io.BytesIO()
    image.save(stream, file_format, **options)
    return stream.getvalue()


def decode(content):
    return decode_any(tf.constant(content)).numpy()


@pytest.mark.parametrize("mode", ["RGB", "RGBA"])
@pytest.mark.parametrize("options", [{"lossless": True, "exact": True}, {"quality": 100}])
def test_webp_with_and_without_alpha_and_animation(mode, options):
    picture = make_picture(mode)
    still = encode(picture, "WEBP", **options)
    expected = np.asarray(Image.open(io.BytesIO(still)).convert(mode))[..., :3]
    np.testing.assert_allclose(decode(still), expected, atol=1)
    others = [Image.new(mode, picture.size, color) for color in ("red", "blue")]
    animated = encode(picture, "WEBP", save_all=True, append_images=others, **options)
    assert b"ANMF" in animated
    np.testing.assert_allclose(decode(animated), decode(still), atol=4)


def test_an_extended_webp_file():
    content = encode(make_picture(), "WEBP", lossless=True, icc_profile=b"ANMF" * 50)
    assert content[12:16] == b"VP8X"
    np.testing.assert_array_equal(decode(content), np.asarray(make_picture()))


@pytest.mark.parametrize("mode", ["P", "L", "RGB", "RGBA"])
def test_bmp_with_and_without_palette(mode):
    picture = make_picture(mode)
    np.testing.assert_array_equal(decode(encode(picture, "BMP")), picture.convert("RGB"))


def test_works_in_a_graph_of_any_length():
    contents = [encode(make_picture(), name) for name in ("JPEG", "PNG", "BMP", "WEBP", "GIF")]
    decode_all = tf.function(
        lambda files: tf.map_fn(decode_any, files, fn_output_signature=tf.uint8),
        input_signature=[tf.TensorSpec([None], tf.string)],
    )
    for pixels, content in zip(decode_all(tf.constant(contents)), contents, strict=True):
        np.testing.assert_array_equal(pixels, decode(content))
