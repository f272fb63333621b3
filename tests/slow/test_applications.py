"""Every model of keras.applications describes images, by any of its layers."""

import inspect

import keras
import numpy as np
import pytest

from tagkeras.cnn.keras_cnn import cut_off, load_application, stock_models

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]


@pytest.mark.parametrize("name", sorted(stock_models()))
def test_describes_by_what_the_classifier_sees(name):
    make = stock_models()[name]
    keras.utils.set_random_seed(0)
    model = make(weights=None)
    module = inspect.getmodule(make)
    cnn = cut_off(model, None, name, preprocess=module.preprocess_input)
    height, width = cnn.image_size
    pixels = np.random.default_rng(0).uniform(0, 255, (2, height, width, 3)).astype(np.float32)
    described = np.asarray(cnn.describe(pixels))
    assert described.shape == (2, cnn.descriptor_size)
    assert np.isfinite(described).all()
    # The classifier on top of it, applied by hand, answers as the whole model does.
    classifier = [layer for layer in model.layers if layer.weights][-1]
    kernel, bias = (weight.numpy() for weight in classifier.weights)
    logits = described @ kernel.reshape(cnn.descriptor_size, -1) + bias
    expected = model(module.preprocess_input(pixels.copy()), training=False).numpy()
    likely = np.exp(logits - logits.max(axis=1, keepdims=True))
    likely /= likely.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(likely, expected, rtol=2e-3, atol=1e-6)
    keras.backend.clear_session()


def test_the_papers_layer(tmp_path):
    keras.applications.VGG16(weights=None).save_weights(tmp_path / "vgg.weights.h5")
    cnn = load_application("VGG16", "fc2", str(tmp_path / "vgg.weights.h5"))
    assert (cnn.layer, cnn.descriptor_size, cnn.image_size) == ("fc2", 4096, (224, 224))
