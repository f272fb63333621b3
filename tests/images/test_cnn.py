import keras
import numpy as np
import pytest
import tensorflow as tf
from hostile_pictures import encode
from PIL import Image
from tiny_cnn import save_cnn

from tagkeras.cli.errors import UserError
from tagkeras.images.cnn.descriptor_model import DescriptorModel, save_descriptor_model
from tagkeras.images.cnn.load import load_cnn
from tagkeras.images.image_decoder import ImageDecoder


def make_images(count=3):
    pixels = np.random.default_rng(0).integers(0, 256, (count, 9, 7, 3)).astype(np.uint8)
    pictures = map(Image.fromarray, pixels.repeat(5, 1).repeat(6, 2))
    return tf.constant([encode(picture, "JPEG") for picture in pictures])


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


def test_layers(saved, tmp_path):
    cnn = load_cnn(str(saved[0]))
    assert (cnn.layer, cnn.descriptor_size, cnn.image_size) == ("descriptor", 6, (16, 20))
    flattened = load_cnn(str(saved[0]), layer="features")
    assert (flattened.layer, flattened.descriptor_size) == ("features", 7 * 9 * 8)
    pixels = keras.Input((8, 8, 3))
    features = keras.layers.GlobalMaxPooling2D(name="pool")(pixels)
    keras.Model(pixels, keras.layers.Dense(4)(features)).save(tmp_path / "plain.keras")
    assert load_cnn(str(tmp_path / "plain.keras")).layer == "pool"


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


def test_bad_arguments(saved, stock, tmp_path):
    path = str(saved[0])
    (tmp_path / "broken.keras").write_bytes(b"no zip")
    keras.Sequential(
        [keras.Input((None, None, 3)), keras.layers.Conv2D(2, 1), keras.layers.ReLU()]
    ).save(tmp_path / "unsized.keras")
    other = tmp_path / "other.weights.h5"
    keras.Sequential([keras.Input((2,)), keras.layers.Dense(2)]).save_weights(other)
    for arguments, words in [
        ({"name": "NoSuchNet"}, r"no such model.*\.keras.*MobileNetV2"),
        ({"name": str(tmp_path / "none.keras")}, "no such file"),
        ({"name": str(tmp_path / "broken.keras")}, "cannot load it"),
        ({"name": str(tmp_path / "unsized.keras")}, "one size"),
        ({"name": path, "layer": "nope"}, "no such layer; its last ones are.*descriptor, classes"),
        ({"name": path, "weights": "x.h5"}, "its own weights"),
        ({"name": "MobileNetV2", "weights": str(tmp_path / "none.h5")}, "no such file"),
        ({"name": "MobileNetV2", "weights": str(other)}, "no weights of MobileNetV2 with 1000"),
    ]:
        with pytest.raises(UserError, match=words):
            load_cnn(**arguments)
    with pytest.raises(UserError, match="no descriptor model"):
        DescriptorModel.load(tmp_path)


def test_a_failed_download_names_the_remedy(monkeypatch):
    def fail(**_):
        raise Exception("URL fetch failure on https://example.org: None -- unreachable")

    fail.__module__ = "keras.src.applications.vgg16"
    monkeypatch.setattr(keras.applications, "VGG16", fail)
    with pytest.raises(UserError, match="URL fetch failure.*--cnn_weights=PATH"):
        load_cnn("VGG16")


class Describer(tf.Module):
    """A CNN of somebody who does not use Keras: two outputs, a lookup table in between."""

    def __init__(self):
        super().__init__()
        self.weight = tf.Variable(tf.random.stateless_normal([3, 4], [1, 2]), name="weight")
        keys, values = tf.constant(["a", "b"]), tf.constant([2.0, 3.0])
        self.table = tf.lookup.StaticHashTable(
            tf.lookup.KeyValueTensorInitializer(keys, values), 0.0
        )

    @tf.function(input_signature=[tf.TensorSpec([None, 8, 6, 3], tf.float32, "photo")])
    def describe(self, photo):
        means = tf.reduce_mean(photo, axis=[1, 2])
        maps = tf.reshape(means @ self.weight, [-1, 2, 2]) * self.table.lookup(tf.constant("b"))
        return {"maps": maps, "means": means}


@pytest.fixture(scope="module")
def saved_model(tmp_path_factory):
    folder = tmp_path_factory.mktemp("saved") / "model"
    module = Describer()
    tf.saved_model.save(module, str(folder), signatures=module.describe)
    return folder, module


def make_pixels(*shape):
    return np.random.default_rng(0).uniform(0, 255, shape).astype(np.float32)


def test_an_output_of_a_saved_model_is_chosen_and_flattened(saved_model):
    folder, module = saved_model
    cnn = load_cnn(str(folder), layer="maps")
    assert (cnn.layer, cnn.image_size, cnn.descriptor_size) == ("maps", (8, 6), 4)
    assert cnn.short_name == "model"
    pixels = make_pixels(3, 8, 6, 3)
    expected = 3 * pixels.mean(axis=(1, 2)) @ module.weight.numpy()
    np.testing.assert_allclose(cnn.describe(pixels), expected, rtol=1e-4)
    assert load_cnn(str(folder), layer="means").descriptor_size == 3
    before = cnn.weights_sha256()
    assert before == load_cnn(str(folder), layer="maps").weights_sha256()
    cnn.variables[0].assign_add(tf.ones([3, 4]))
    assert cnn.weights_sha256() != before


def test_a_saved_model_becomes_a_descriptor_model(saved_model, tmp_path):
    cnn = load_cnn(str(saved_model[0]), layer="maps")
    save_descriptor_model(cnn, tmp_path / "descriptor_model")
    model = DescriptorModel.load(tmp_path / "descriptor_model")
    pixels = make_pixels(2, 8, 6, 3)
    np.testing.assert_allclose(model.from_pixels(pixels), cnn.describe(pixels), rtol=1e-5)


def test_a_keras_export(tmp_path):
    body = save_cnn(tmp_path / "cnn.keras")
    body.export(tmp_path / "exported", verbose=False)
    cnn = load_cnn(str(tmp_path / "exported"))
    assert cnn.image_size == (16, 20)
    pixels = make_pixels(2, 16, 20, 3)
    np.testing.assert_allclose(cnn.describe(pixels), body(pixels), rtol=1e-5)


def test_one_clear_line_of_a_saved_model(saved_model, tmp_path):
    folder = str(saved_model[0])
    for arguments, words in [
        ({}, "choose --cnn_layer of its outputs maps, means"),
        ({"layer": "other"}, "--cnn_layer=other: .* no such output but maps, means"),
        ({"weights": "w.h5"}, "has its own weights"),
    ]:
        with pytest.raises(UserError, match=words):
            load_cnn(folder, **arguments)
    keras.Sequential([keras.Input((4,)), keras.layers.Dense(2)]).export(
        tmp_path / "flat", verbose=False
    )
    with pytest.raises(UserError, match="it must take RGB images of one size"):
        load_cnn(str(tmp_path / "flat"))
    (tmp_path / "damaged").mkdir()
    (tmp_path / "damaged" / "saved_model.pb").write_bytes(b"\xff")
    with pytest.raises(UserError, match="no SavedModel .* that TensorFlow can load") as raised:
        load_cnn(str(tmp_path / "damaged"))
    assert "\n" not in str(raised.value)


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
