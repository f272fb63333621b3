"""A small Keras CNN that describes pictures with 6 numbers, without training."""

import keras


def save_cnn(path, size=(16, 20), descriptor_size=6):
    """Saves it with a layer `descriptor`; returns the part that ends there."""
    keras.utils.set_random_seed(3)
    pixels = keras.Input((*size, 3))
    features = keras.layers.Rescaling(1 / 255)(pixels)
    features = keras.layers.Conv2D(8, 3, strides=2, activation="relu", name="features")(features)
    features = keras.layers.GlobalAveragePooling2D()(features)
    descriptor = keras.layers.Dense(descriptor_size, name="descriptor")(features)
    classes = keras.layers.Dense(3, name="classes")(descriptor)
    keras.Model(pixels, classes).save(path)
    return keras.Model(pixels, descriptor)
