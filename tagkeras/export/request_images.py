"""Decoding the images of a request, which may hold anything."""

import tensorflow as tf

from tagkeras.images.image_decoder import decode_image
from tagkeras.images.image_limits import check_image


def decode_images(images: tf.Tensor, height: int, width: int) -> tf.Tensor:
    """As `ImageDecoder`, for images of which one may be broken, or a bomb.

    Args:
        images: string [B], the content of image files.
        height: of the pixels.
        width: of the pixels.

    Returns:
        float32 [B, height, width, 3] in [0, 255].

    Raises:
        tf.errors.InvalidArgumentError: when the graph runs: an image cannot be decoded or is too
            large; see `check_image`. Headers' faults are told with the place, `image 0` the first.
    """

    def decode(place_and_image: tuple[tf.Tensor, tf.Tensor]) -> tf.Tensor:
        place, image = place_and_image
        name = tf.strings.join(["image ", tf.strings.as_string(place)])
        return decode_image(check_image(image, name), height, width)

    return tf.map_fn(
        decode,
        (tf.range(tf.size(images)), images),
        fn_output_signature=tf.TensorSpec([height, width, 3], tf.float32),
    )
