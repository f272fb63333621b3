"""Users as the model sees them."""

import math
from collections.abc import Sequence

import numpy as np
import tensorflow as tf

from tagkeras.data.manifest import Manifest
from tagkeras.data.user import User
from tagkeras.layers.user_descriptor import UserDescriptor


def describe_users(users: Sequence[User], manifest: Manifest) -> np.ndarray:
    """User descriptors, float32 [U, m], as those of a dataset's posts were made.

    Args:
        users: U of them.
        manifest: of the dataset: its countries, and how far places are rounded.
    """
    layer = UserDescriptor(
        manifest.user_descriptor["countries"], manifest.user_descriptor["location_decimals"]
    )
    inputs = {
        name: tf.constant([_number(getattr(user, name)) for user in users], tf.float32)
        for name in ("age", "latitude", "longitude")
    }
    for name in ("gender", "country"):
        inputs[name] = tf.constant([getattr(user, name) or "" for user in users], tf.string)
    return layer(inputs).numpy()


def feature_names(countries: Sequence[str]) -> tuple[str, ...]:
    """What the m values of a user descriptor are, in their order."""
    return ("age", "gender", *(f"country {country}" for country in countries), "x", "y", "z")


def _number(value: float | None) -> float:
    return math.nan if value is None else value
