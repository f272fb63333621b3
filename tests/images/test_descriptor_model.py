import io

import keras
import numpy as np
import pytest
import tensorflow as tf
from PIL import Image
from tiny_cnn import save_cnn

from tagkeras.cli.errors import UserError
from tagkeras.images.cnn.descriptor_model import DescriptorModel, save_descriptor_model
from tagkeras.images.cnn.load import load_cnn
from tagkeras.images.image_decoder import ImageDecoder


def make_images(count=3):
    rng = np.random.default_rng(0)
    contents = []
    for _ in range(count):
        stream = io.BytesIO()
        pixels = rng.integers(0, 256, (9, 7, 3)).astype(np.uint8).repeat(5, 0).repeat(6, 1)
        Image.fromarray(pixels).save(stream, "JPEG")
        contents.append(stream.getvalue())
    return tf.constant(contents)


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """The path of a CNN, the CNN up to its descriptor, and the folder of its descriptor model."""
    folder = tmp_path_factory.mktemp("cnn")
    body = save_cnn(folder / "cnn.keras")
    cnn = load_cnn(str(folder / "cnn.keras"))
    save_descriptor_model(cnn, folder / "model")
    return folder / "cnn.keras", body, folder / "model"


def test_saved_model_equals_the_cnn(saved):
    _, body, folder = saved
    model = DescriptorModel.load(folder)
    assert model.descriptor_size == 6
    assert model.image_size == (16, 20)
    images = make_images()
    pixels = ImageDecoder(16, 20)(images)
    expected = body.predict(pixels, verbose=0)
    np.testing.assert_allclose(model.from_pixels(pixels), expected, atol=1e-6)
    np.testing.assert_allclose(model(images), expected, atol=1e-6)
    assert len({tuple(row) for row in expected.round(4).tolist()}) == 3


def test_signatures(saved):
    signatures = tf.saved_model.load(str(saved[2])).signatures
    from_image = signatures["serving_default"]
    image = from_image.structured_input_signature[1]["image"]
    assert (image.shape.as_list(), image.dtype) == ([None], tf.string)
    descriptor = from_image.structured_outputs["descriptor"]
    assert (descriptor.shape.as_list(), descriptor.dtype) == ([None, 6], tf.float32)


def test_becomes_part_of_another_export(saved, tmp_path):
    class Export(tf.Module):
        def __init__(self):
            super().__init__()
            self.descriptor_model = DescriptorModel.load(saved[2])

        @tf.function(input_signature=[tf.TensorSpec([None], tf.string, "image")])
        def double(self, image):
            return {"double": 2 * self.descriptor_model(image)}

    export = Export()
    images = make_images()
    expected = export.double(images)["double"]
    tf.saved_model.save(export, str(tmp_path / "e"), signatures=export.double)
    reloaded = tf.saved_model.load(str(tmp_path / "e")).signatures["serving_default"]
    np.testing.assert_allclose(reloaded(image=images)["double"], expected, atol=1e-6)
    np.testing.assert_allclose(expected, 2 * DescriptorModel.load(saved[2])(images), atol=1e-6)


def test_default_layers(saved, tmp_path):
    cnn = load_cnn(str(saved[0]))
    assert (cnn.layer, cnn.descriptor_size, cnn.image_size) == ("descriptor", 6, (16, 20))
    pixels = keras.Input((8, 8, 3))
    features = keras.layers.GlobalMaxPooling2D(name="pool")(pixels)
    keras.Model(pixels, keras.layers.Dense(4)(features)).save(tmp_path / "plain.keras")
    assert load_cnn(str(tmp_path / "plain.keras")).layer == "pool"


def test_any_layer_flattened(saved):
    cnn = load_cnn(str(saved[0]), layer="features")
    assert cnn.descriptor_size == 7 * 9 * 8
    assert cnn.layer == "features"


def test_weights_hash_tells_weights_apart(saved, tmp_path):
    cnn = load_cnn(str(saved[0]))
    assert cnn.weights_sha256() == load_cnn(str(saved[0])).weights_sha256()
    cnn.variables[0].assign(cnn.variables[0] + 1e-3)
    assert cnn.weights_sha256() != load_cnn(str(saved[0])).weights_sha256()


@pytest.fixture
def stock(monkeypatch):
    """A small stand-in for MobileNetV2, without a layer of pooling for a descriptor."""

    def make(weights):
        assert weights is None
        pixels = keras.Input((None, None, 3))
        features = keras.layers.Conv2D(5, 3, strides=2, activation="relu")(pixels)
        features = keras.layers.GlobalAveragePooling2D(keepdims=True)(features)
        classes = keras.layers.Conv2D(4, 1, name="classes")(features)
        return keras.Model(pixels, keras.layers.Softmax()(keras.layers.Flatten()(classes)))

    make.__module__ = "keras.src.applications.mobilenet_v2"
    monkeypatch.setattr(keras.applications, "MobileNetV2", make)
    return make


def test_stock_model_is_given_its_own_preprocessing(stock, tmp_path):
    model = stock(weights=None)
    weights = tmp_path / "mine.weights.h5"
    model.save_weights(weights)
    cnn = load_cnn("MobileNetV2", weights=str(weights))
    assert (cnn.image_size, cnn.descriptor_size) == ((224, 224), 5)
    body = keras.Model(model.inputs[0], model.get_layer("classes").input)
    pixels = np.random.default_rng(0).uniform(0, 255, (2, 224, 224, 3)).astype(np.float32)
    expected = body(tf.constant(pixels / 127.5 - 1)).numpy().reshape(2, 5)
    np.testing.assert_allclose(cnn.describe(pixels), expected, rtol=1e-4, atol=1e-6)


def test_bad_arguments(saved, tmp_path):
    path = str(saved[0])
    (tmp_path / "broken.keras").write_bytes(b"no zip")
    keras.Sequential(
        [keras.Input((None, None, 3)), keras.layers.Conv2D(2, 1), keras.layers.ReLU()]
    ).save(tmp_path / "unsized.keras")
    for arguments, words in [
        ({"name": "NoSuchNet"}, r"no such model.*\.keras.*MobileNetV2"),
        ({"name": str(tmp_path / "none.keras")}, "no such file"),
        ({"name": str(tmp_path / "broken.keras")}, "cannot load it"),
        ({"name": str(tmp_path / "unsized.keras")}, "one size"),
        ({"name": path, "layer": "nope"}, "no such layer; its last ones are.*descriptor, classes"),
        ({"name": path, "weights": "x.h5"}, "its own weights"),
        ({"name": "MobileNetV2", "weights": str(tmp_path / "none.h5")}, "no such file"),
    ]:
        with pytest.raises(UserError, match=words):
            load_cnn(**arguments)


def test_weights_of_another_model(stock, tmp_path):
    keras.Sequential([keras.Input((2,)), keras.layers.Dense(2)]).save_weights(
        tmp_path / "other.weights.h5"
    )
    with pytest.raises(UserError, match="no weights of MobileNetV2 with 1000 classes"):
        load_cnn("MobileNetV2", weights=str(tmp_path / "other.weights.h5"))


def test_a_failed_download_names_the_remedy(monkeypatch):
    def fail(**_):
        raise Exception("URL fetch failure on https://example.org: None -- unreachable")

    fail.__module__ = "keras.src.applications.vgg16"
    monkeypatch.setattr(keras.applications, "VGG16", fail)
    with pytest.raises(UserError, match="URL fetch failure.*--cnn_weights=PATH"):
        load_cnn("VGG16")


def test_a_folder_without_a_model(tmp_path):
    with pytest.raises(UserError, match="no descriptor model"):
        DescriptorModel.load(tmp_path)


def test_imagenet_weights_recognise_photos(real_data):
    folder = real_data / "imagenet_cnn"
    weights = folder / "mobilenet_v2_1.0_224_from_quant.weights.h5"
    if not weights.exists():
        pytest.skip(f"no {weights}")
    cnn = load_cnn("MobileNetV2", layer="predictions", weights=str(weights))
    photos = sorted((folder / "test_photos").glob("*.jp*g"))
    encoded = tf.constant([photo.read_bytes() for photo in photos[:2]])
    probabilities = cnn.describe(ImageDecoder(224, 224)(encoded)).numpy()
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, atol=1e-4)
    assert probabilities.max(axis=1).mean() > 0.3
