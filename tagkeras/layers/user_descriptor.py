"""The user descriptor: what is known of a person, as a vector."""

import math
from collections.abc import Mapping
from typing import Any

import keras
import tensorflow as tf

from tagkeras.data.facts import MAX_DEVIATION, FactSchema

_AGE_SCALE = 100.0


@keras.saving.register_keras_serializable(package="tagkeras")
class UserDescriptor(keras.layers.Layer):
    """What is known of a user as a vector u of m floats, m = 5 + len(countries) + further facts.

    In order:

    - age: clip(age, 0, 100) / 100; unknown 0.5
    - gender: -1 female, +1 male, 0 unknown or other
    - one value for each country, 1 for the user's; all 0 for another or an unknown one
    - x, y, z of the home town on the unit sphere, each scaled to [0, 1] by (v + 1) / 2, its degrees
      rounded before; unknown 0.5, 0.5, 0.5. x points to (0N, 0E), y to (0N, 90E), z to the pole.
    - one value for each value of each category, 1 for the user's; all 0 for another or unknown
    - (v - mean) / std of each number, clipped to [-5, 5]; unknown 0

    Only stock TensorFlow ops, so that preprocessing and the exported graph share it.

    Args:
        facts: the schema: which facts, values of categories, scales of numbers, and how far degrees
            are rounded. Its `to_dict` will do.
        **kwargs: of `keras.layers.Layer`.

    Call arguments:
        inputs: dict of `age` float [B] in years, `gender` string [B], `country` string [B] (upper
            or lower case), `latitude` and `longitude` float [B] in degrees, and each category
            string [B] and number float [B] by name. Unknown is NaN (or infinity) for a float and
            "" for a string; a place is unknown if either degree is.

    Returns:
        float32 [B, m].

    Example:
        >>> layer = UserDescriptor(FactSchema(("US", "GB")))
        >>> layer.size
        7

    References:
        Denton et al., "User Conditional Hashtag Prediction for Images" (KDD 2015), section 4.
    """

    def __init__(self, facts: FactSchema | Mapping[str, Any], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.facts = facts if isinstance(facts, FactSchema) else FactSchema.from_dict(facts)

    @property
    def size(self) -> int:
        """m, the length of a descriptor."""
        return self.facts.size

    def call(self, inputs: Mapping[str, tf.Tensor]) -> tf.Tensor:
        """The descriptors of a batch of users: see the class."""
        age = tf.cast(inputs["age"], tf.float32)
        gender, country = (
            tf.convert_to_tensor(inputs[name], tf.string) for name in ("gender", "country")
        )
        age = tf.where(
            tf.math.is_finite(age), tf.clip_by_value(age, 0, _AGE_SCALE) / _AGE_SCALE, 0.5
        )
        sign = tf.cast(tf.equal(gender, "male"), tf.float32)
        sign -= tf.cast(tf.equal(gender, "female"), tf.float32)
        location = self.round_location(inputs["latitude"], inputs["longitude"])
        columns = [
            age[:, tf.newaxis],
            sign[:, tf.newaxis],
            _one_hot(tf.strings.upper(country), self.facts.countries),
            _on_unit_sphere(location),
        ]
        for name, values in self.facts.categories.items():
            columns.append(_one_hot(tf.convert_to_tensor(inputs[name], tf.string), values))
        for name, (mean, std) in self.facts.numbers.items():
            # float64, since a mean may be large beside the deviation.
            deviation = (tf.cast(inputs[name], tf.float64) - mean) / std
            deviation = tf.clip_by_value(deviation, -MAX_DEVIATION, MAX_DEVIATION)
            known = tf.math.is_finite(inputs[name])
            deviation = tf.where(known, tf.cast(deviation, tf.float32), 0.0)
            columns.append(deviation[:, tf.newaxis])
        return tf.concat(columns, axis=1)

    def round_location(self, latitude: tf.Tensor, longitude: tf.Tensor) -> tf.Tensor:
        """Degrees as they may be kept: float32 [B, 2], rounded, both NaN if either is unknown."""
        location = tf.stack([latitude, longitude], axis=1)
        location = tf.cast(location, tf.float32)
        known = tf.reduce_all(tf.math.is_finite(location), axis=1, keepdims=True)
        scale = 10.0**self.facts.location_decimals
        return tf.where(known, tf.round(location * scale) / scale, float("nan"))

    def compute_output_shape(self, input_shape: Mapping[str, Any]) -> tuple[int | None, int]:
        """[B, m]."""
        return (input_shape["age"][0], self.size)

    def get_config(self) -> dict[str, Any]:
        """The arguments of `__init__`."""
        return {**super().get_config(), "facts": self.facts.to_dict()}


def _one_hot(texts: tf.Tensor, values: tuple[str, ...]) -> tf.Tensor:
    """Which of some values each text is: string [B] to float32 [B, values]."""
    is_value = tf.equal(texts[:, tf.newaxis], tf.constant(values, tf.string, [1, len(values)]))
    return tf.cast(is_value, tf.float32)


def _on_unit_sphere(location: tf.Tensor) -> tf.Tensor:
    """Latitude and longitude in degrees, [B, 2], to [B, 3] in [0, 1]; NaN to 0.5."""
    radians = location * (math.pi / 180)
    latitude, longitude = tf.unstack(radians, axis=1)
    to_axis = tf.cos(latitude)
    x, y, z = to_axis * tf.cos(longitude), to_axis * tf.sin(longitude), tf.sin(latitude)
    point = tf.stack([x, y, z], axis=1)
    return tf.where(tf.math.is_nan(point), 0.5, (point + 1) / 2)
