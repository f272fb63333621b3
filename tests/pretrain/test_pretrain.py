"""The CNN that is trained on what images show."""

import json

import keras
import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from tagkeras.cli import commandline
from tagkeras.cli.errors import UserError
from tagkeras.images.cnn.load import load_cnn
from tagkeras.images.image_decoder import ImageDecoder
from tagkeras.pretrain.__main__ import Config, main
from tagkeras.pretrain.cnn import decode_images, measure, mirror_half, read_labels

COLOURS = {"blue": (30, 40, 210), "green": (30, 200, 40), "red": (220, 30, 30)}
SIZE = 16


def make_config(folder, output, **options):
    options = {
        "image_size": SIZE,
        "epochs": 1,
        "batch_size": 8,
        "descriptor_size": 7,
        **options,
    }
    flags = [f"--{name}={value}" for name, value in options.items()]
    return commandline.parse(Config, [f"--data={folder}", f"--output={output}", *flags])


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Squares of colour on grey, one or two in a picture."""
    folder = tmp_path_factory.mktemp("concepts")
    rng = np.random.default_rng(0)
    lines = []
    for index in range(96):
        shown = rng.permutation(list(COLOURS))[: rng.integers(1, 3)].tolist()
        picture = Image.new("RGB", (32, 32), (128, 128, 128))
        for place, name in zip(rng.permutation(4).tolist(), shown, strict=False):
            left, top = 16 * (place % 2), 16 * (place // 2)
            picture.paste(COLOURS[name], (left + 2, top + 2, left + 14, top + 14))
        picture.save(folder / f"{index}.png")
        lines.append(json.dumps({"image": f"{index}.png", "concepts": shown}))
    (folder / "concepts.jsonl").write_text("\n".join(lines) + "\n")
    return folder


def test_learns_and_is_saved_for_preprocessing(folder, tmp_path, capsys):
    output = tmp_path / "cnn.keras"
    main(make_config(folder, output, epochs=15, seed=1))
    assert f"wrote {output}: mean average precision" in capsys.readouterr().out
    assert sorted(path.name for path in tmp_path.iterdir()) == ["cnn.json", "cnn.keras"]
    description = json.loads((tmp_path / "cnn.json").read_text())
    assert description["concepts"] == list(COLOURS)
    assert description["image_size"] == SIZE
    assert description["validation"]["mAP"] > 0.8

    # Raw pixels in, probabilities out, in the order of the names.
    cnn = keras.saving.load_model(output)
    pixels = np.full((3, SIZE, SIZE, 3), 128, np.float32)
    for image, colour in zip(pixels, COLOURS.values(), strict=True):
        image[2:8, 2:8] = colour
    probabilities = cnn.predict(pixels, verbose=0)
    assert (probabilities.argmax(axis=1) == [0, 1, 2]).all()
    assert ((probabilities >= 0) & (probabilities <= 1)).all()

    cnn.save(tmp_path / "again.keras")
    again = keras.saving.load_model(tmp_path / "again.keras")
    np.testing.assert_array_equal(again.predict(pixels, verbose=0), probabilities)

    descriptor_cnn = load_cnn(str(output))
    assert (descriptor_cnn.layer, descriptor_cnn.descriptor_size) == ("descriptor", 7)
    assert load_cnn(str(output), layer="concepts").descriptor_size == len(COLOURS)


def test_images_are_decoded_as_in_preprocessing(folder):
    paths, labels, concepts = read_labels(folder)
    encoded = tf.stack([tf.io.read_file(path) for path in paths[:5]])
    decoded = ImageDecoder(SIZE, SIZE)(encoded)
    np.testing.assert_allclose(decode_images(paths[:5], SIZE), decoded, atol=0.5)
    assert concepts == list(COLOURS)
    assert labels.shape == (96, 3)
    assert set(labels.sum(axis=1)) == {1, 2}


def test_mirrors_about_half_of_the_images():
    images = tf.reshape(tf.range(200 * 2 * 3), [200, 2, 3, 1])
    pairs = list(zip(images.numpy(), mirror_half(images, 1).numpy(), strict=True))
    num_mirrored = sum(np.array_equal(after, before[:, ::-1]) for before, after in pairs)
    num_kept = sum(np.array_equal(after, before) for before, after in pairs)
    assert num_mirrored + num_kept == 200
    assert 60 < num_mirrored < 140


def test_measure_by_hand():
    labels = np.array([[1, 0, 0], [0, 1, 0], [1, 1, 0], [0, 0, 0]], np.float32)
    right = np.where(labels > 0, 0.9, 0.1).astype(np.float32)
    # No image shows the third concept: it has no precision and does not count.
    assert measure(right, labels) == {"mAP": 1.0, "exact": 1.0}
    # The first concept's images come first and third: (1/1 + 2/3) / 2.
    missed = right.copy()
    missed[0, 0], missed[3, 0] = 0.2, 0.3
    expected = {"mAP": ((1 + 2 / 3) / 2 + 1) / 2, "exact": 0.75}
    assert measure(missed, labels) == pytest.approx(expected)


LINE = '{"image": "a.png", "concepts": ["a"]}\n'


@pytest.mark.parametrize(
    ("labels", "image", "message"),
    [
        (None, None, r"concepts.jsonl: no such file; python -m tagkeras.synthetic writes one"),
        ("", None, r"concepts.jsonl: 0 images of 0 concepts: too few"),
        (LINE + '{"image": 3\n', None, r"concepts.jsonl, line 2: expected"),
        (LINE + '{"image": "a.png"}\n', None, r"concepts.jsonl, line 2: expected"),
        (LINE * 2, None, r"a.png: no such file: repair it or take it out"),
        (LINE * 2, b"no image", r"a.png: Unknown image file format"),
    ],
)
def test_bad_data_is_named(labels, image, message, tmp_path):
    if labels is not None:
        (tmp_path / "concepts.jsonl").write_text(labels)
    if image is not None:
        (tmp_path / "a.png").write_bytes(image)
    with pytest.raises(UserError, match=message) as refused:
        main(make_config(tmp_path, tmp_path / "cnn.keras"))
    assert "\n" not in str(refused.value)
    assert not (tmp_path / "cnn.keras").exists()


def test_output_of_another_name(folder, tmp_path):
    with pytest.raises(UserError, match=r"cnn.h5: the name has to end in .keras"):
        main(make_config(folder, tmp_path / "cnn.h5"))
