"""The CNN alone, fed JPEG files by tf.data: what describing images costs at least.

python -m benchmarks.bare_cnn --images=FOLDER --count=2000 --cnn_weights=FILE
"""

import dataclasses
from pathlib import Path

import numpy as np
import tensorflow as tf

from tagkeras.cli.commandline import option, run
from tagkeras.images.cnn.load import load_cnn
from tagkeras.images.image_decoder import decode_image

BATCH = 32


@dataclasses.dataclass(frozen=True, kw_only=True)
class Config:
    """The options of this command."""

    images: str = option(help="folder of 0.jpg, 1.jpg and so on")
    count: int = option(help="how many of them to take", minimum=1)
    cnn: str = option("MobileNetV2", help="a model of keras.applications")
    cnn_weights: str = option(help="its weights file")


def main(config: Config) -> None:
    """Describes the images and saves nothing."""
    cnn = load_cnn(config.cnn, weights=config.cnn_weights)
    height, width = cnn.image_size
    describe = tf.function(
        cnn.describe, input_signature=[tf.TensorSpec([None, height, width, 3])], autograph=False
    )
    paths = [str(Path(config.images) / f"{number}.jpg") for number in range(config.count)]
    batches = (
        tf.data.Dataset.from_tensor_slices(paths)
        .map(
            lambda path: decode_image(tf.io.read_file(path), height, width),
            num_parallel_calls=tf.data.AUTOTUNE,
        )
        .batch(BATCH)
        .prefetch(tf.data.AUTOTUNE)
    )
    described = np.concatenate([describe(batch).numpy() for batch in batches])
    print(f"{described.shape[0]} descriptors of {described.shape[1]} values")


if __name__ == "__main__":
    run(main, Config)
