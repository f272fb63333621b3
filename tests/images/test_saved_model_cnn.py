import keras
import numpy as np
import pytest
import tensorflow as tf
from tiny_cnn import save_cnn

from tagkeras.cli.errors import UserError
from tagkeras.images.cnn.descriptor_model import DescriptorModel, save_descriptor_model
from tagkeras.images.cnn.load import load_cnn


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
def saved(tmp_path_factory):
    folder = tmp_path_factory.mktemp("saved") / "model"
    module = Describer()
    tf.saved_model.save(module, str(folder), signatures=module.describe)
    return folder, module


def make_pixels(*shape):
    return np.random.default_rng(0).uniform(0, 255, shape).astype(np.float32)


def test_an_output_is_chosen_and_flattened(saved):
    folder, module = saved
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


def test_becomes_a_descriptor_model(saved, tmp_path):
    cnn = load_cnn(str(saved[0]), layer="maps")
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


def test_one_clear_line(saved, tmp_path):
    folder = str(saved[0])
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
