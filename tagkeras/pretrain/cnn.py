"""Training a small CNN on the concepts that images show.

As in Denton et al. (KDD 2015), the CNN is trained apart from the hashtags.
"""

import json
import sys
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from tagkeras.cli import files
from tagkeras.cli.errors import UserError
from tagkeras.images.image_decoder import decode_image


def pretrain(
    data: str,
    output: str,
    *,
    image_size: int,
    descriptor_size: int,
    epochs: int,
    batch_size: int,
    learning_rate: float,
    validation_fraction: float,
    seed: int,
) -> dict[str, float]:
    """Trains and writes the CNN, and its concepts to a `.json` beside it.

    The arguments are the options of `tagkeras.pretrain`; the learning rate is the highest, reached
    after a tenth of the steps.

    Returns:
        The metrics of `measure` on the held-out images.

    Raises:
        UserError: labels or images cannot be read, or the output is not named `.keras`.
    """
    path = Path(output)
    if path.suffix != ".keras":
        raise UserError(f"--output={path}: the name has to end in .keras")
    images, labels, concepts = read_labels(Path(data))
    pixels = decode_images(images, image_size)
    keras.utils.set_random_seed(seed)
    order = np.random.default_rng(seed).permutation(len(images))
    num_validation = min(len(images) - 1, max(1, round(validation_fraction * len(images))))
    validation, train = order[:num_validation], order[num_validation:]

    cnn = make_cnn(image_size, descriptor_size, len(concepts))
    steps = epochs * -(-len(train) // batch_size)
    schedule = keras.optimizers.schedules.CosineDecay(
        learning_rate / 20,
        steps - steps // 10,
        warmup_target=learning_rate,
        warmup_steps=steps // 10,
    )
    cnn.compile(keras.optimizers.Adam(schedule), loss="binary_crossentropy")
    mirrored = (
        tf.data.Dataset.from_tensor_slices((pixels[train], labels[train]))
        .shuffle(len(train), seed=seed)
        .batch(batch_size)
        .map(lambda images, labels: (mirror_half(images, seed), labels))
        .prefetch(2)
    )
    cnn.fit(mirrored, epochs=epochs, verbose=1 if sys.stdout.isatty() else 2, shuffle=False)
    predicted = cnn.predict(pixels[validation].astype(np.float32), batch_size=256, verbose=0)
    metrics = measure(predicted, labels[validation])
    with files.written_aside(path) as aside:
        # Keras goes by the suffix.
        named = aside.with_suffix(".keras")
        try:
            cnn.save(named)
            named.rename(aside)
        finally:
            named.unlink(missing_ok=True)
    description = {"concepts": concepts, "image_size": image_size, "validation": metrics}
    files.write_text(path.with_suffix(".json"), json.dumps(description, indent=2) + "\n")
    return metrics


def read_labels(folder: Path) -> tuple[list[str], np.ndarray, list[str]]:
    """The paths of the images, their labels as float32 [images, concepts], the concepts' names.

    Raises:
        UserError: `concepts.jsonl` is missing or empty, or a line is not a label.
    """
    path = folder / "concepts.jsonl"
    if not path.is_file():
        raise UserError(f"{path}: no such file; python -m tagkeras.synthetic writes one")
    images, shown = [], []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        try:
            label = json.loads(line)
            images.append(str(folder / label["image"]))
            shown.append(set(label["concepts"]))
        except (ValueError, KeyError, TypeError) as error:
            raise UserError(
                f'{path}, line {number}: expected {{"image": ..., "concepts": [...]}}'
            ) from error
    concepts = sorted(set().union(*shown))
    if len(images) < 2 or not concepts:
        raise UserError(f"{path}: {len(images)} images of {len(concepts)} concepts: too few")
    labels = np.array([[name in names for name in concepts] for names in shown], np.float32)
    return images, labels, concepts


def decode_images(paths: list[str], size: int) -> np.ndarray:
    """The pixels of image files, uint8 [images, size, size, 3], as preprocessing decodes them.

    Raises:
        UserError: one is missing or cannot be decoded.
    """

    def decode(path: tf.Tensor) -> tf.Tensor:
        return tf.cast(tf.round(decode_image(tf.io.read_file(path), size, size)), tf.uint8)

    pixels = tf.data.Dataset.from_tensor_slices(paths).map(decode, tf.data.AUTOTUNE).batch(256)
    try:
        return np.concatenate(list(pixels.as_numpy_iterator()))
    except tf.errors.OpError:
        for path in paths:
            try:
                decode(path)
            except tf.errors.OpError as error:
                raise UserError(
                    f"{path}: {_reason(error)}: repair it or take it out of concepts.jsonl"
                ) from error
        raise


def _reason(error: tf.errors.OpError) -> str:
    """What TensorFlow says, without the names of its own functions."""
    if isinstance(error, tf.errors.NotFoundError):
        return "no such file"
    return str(error.message).rsplit("}} ", maxsplit=1)[-1].partition(" [Op:")[0].splitlines()[0]


def make_cnn(image_size: int, descriptor_size: int, num_concepts: int) -> keras.Model:
    """A small CNN: pixels in [0, 255] to the layer `descriptor`, and from there to concepts."""
    layers = keras.layers
    x = pixels = keras.Input((image_size, image_size, 3), name="pixels")
    x = layers.Rescaling(1 / 127.5, offset=-1)(x)
    for width, stride, pool in ((24, 2, False), (48, 2, True), (96, 1, False), (96, 1, False)):
        x = layers.Conv2D(
            width,
            3,
            strides=stride,
            padding="same",
            use_bias=False,
            kernel_initializer="he_normal",
        )(x)
        x = layers.ReLU()(layers.BatchNormalization(momentum=0.9)(x))
        if pool:
            x = layers.MaxPooling2D()(x)
    # The strongest response anywhere: an image may show several things, each of them small.
    x = layers.GlobalMaxPooling2D()(x)
    x = layers.BatchNormalization(momentum=0.9)(layers.Dense(descriptor_size, use_bias=False)(x))
    x = layers.ReLU(name="descriptor")(x)
    # Most concepts are absent from most images: start there.
    rare = keras.initializers.Constant(-3.3)
    concepts = layers.Dense(
        num_concepts, activation="sigmoid", bias_initializer=rare, name="concepts"
    )(x)
    return keras.Model(pixels, concepts)


def mirror_half(images: tf.Tensor, seed: int) -> tf.Tensor:
    """Flips each image left to right with probability 1/2, which keeps its labels true."""
    chosen = tf.random.uniform([tf.shape(images)[0], 1, 1, 1], seed=seed) < 0.5
    return tf.where(chosen, images[:, :, ::-1], images)


def measure(predicted: np.ndarray, labels: np.ndarray) -> dict[str, float]:
    """How well concepts are found: probabilities against labels, both [images, concepts].

    Returns:
        `mAP`, the mean average precision over the concepts that some image shows; and `exact`, the
        share of images with all concepts right at a threshold of 0.5.
    """
    shown = labels.any(axis=0)
    precisions = map(_average_precision, predicted.T[shown], labels.T[shown])
    exact = ((predicted > 0.5) == (labels > 0.5)).all(axis=1).mean()
    return {"mAP": float(np.mean(list(precisions))), "exact": float(exact)}


def _average_precision(predicted: np.ndarray, labels: np.ndarray) -> float:
    """The mean, over images that show a concept, of the precision down to their rank."""
    best_first = labels[np.argsort(-predicted, kind="stable")] > 0
    precision = best_first.cumsum() / np.arange(1, len(labels) + 1)
    return float(precision[best_first].mean())
