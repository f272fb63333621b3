"""Every model of keras.applications describes images, by any of its layers."""

import inspect

import keras
import numpy as np
import pytest

from tagkeras.images.cnn.load import cut_off, load_cnn, stock_models

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

# One of each family, whose values are compared; of the others the structure is.
SMALLEST = (
    "ConvNeXtTiny",
    "DenseNet121",
    "EfficientNetB0",
    "EfficientNetV2B0",
    "InceptionV3",
    "MobileNet",
    "MobileNetV2",
    "MobileNetV3Small",
    "NASNetMobile",
    "ResNet50",
    "ResNet50V2",
    "Xception",
)


def find_classifier(model):
    return [layer for layer in model.layers if layer.weights][-1]


@pytest.mark.parametrize("name", sorted(stock_models()))
def test_is_cut_off_before_its_classifier(name):
    # Weights are not made, only their shapes.
    with keras.StatelessScope():
        model = stock_models()[name](weights=None)
    module = inspect.getmodule(stock_models()[name])
    cnn = cut_off(model, None, name, preprocess=module.preprocess_input)
    # A kernel of a dense layer, or of a convolution by one pixel.
    assert cnn.descriptor_size == find_classifier(model).weights[0].shape[-2]
    assert cnn.image_size[0] == cnn.image_size[1] >= 224
    early = cut_off(model, model.layers[3].name, name, preprocess=module.preprocess_input)
    assert early.descriptor_size > cnn.descriptor_size


@pytest.mark.parametrize("name", SMALLEST)
def test_describes_by_what_the_classifier_sees(name):
    keras.utils.set_random_seed(0)
    model = stock_models()[name](weights=None)
    module = inspect.getmodule(stock_models()[name])
    cnn = cut_off(model, None, name, preprocess=module.preprocess_input)
    pixels = np.random.default_rng(0).uniform(0, 255, (2, *cnn.image_size, 3)).astype(np.float32)
    described = np.asarray(cnn.describe(pixels))
    assert described.shape == (2, cnn.descriptor_size)
    # The classifier on top of it, applied by hand, answers as the whole model does.
    kernel, bias = (weight.numpy() for weight in find_classifier(model).weights)
    logits = described @ kernel.reshape(cnn.descriptor_size, -1) + bias
    likely = np.exp(logits - logits.max(axis=1, keepdims=True))
    likely /= likely.sum(axis=1, keepdims=True)
    expected = model(module.preprocess_input(pixels.copy()), training=False)
    np.testing.assert_allclose(likely, expected, rtol=2e-3, atol=1e-6)


def test_the_papers_layer(tmp_path):
    keras.applications.VGG16(weights=None).save_weights(tmp_path / "vgg.weights.h5")
    cnn = load_cnn("VGG16", layer="fc2", weights=str(tmp_path / "vgg.weights.h5"))
    assert (cnn.layer, cnn.descriptor_size, cnn.image_size) == ("fc2", 4096, (224, 224))
