"""What Keras saves of an object that is no layer: the arguments that it was made with."""

import inspect
from typing import Any, Self

import keras


class Configured:
    """Has its arguments of `__init__` as attributes of the same names, and is saved by them."""

    def get_config(self) -> dict[str, Any]:
        """The arguments of `__init__`, as Keras serializes them.

        Raises:
            AttributeError: a subclass keeps an argument by no attribute of its name.
        """
        arguments = {name: getattr(self, name) for name in inspect.signature(type(self)).parameters}
        config: dict[str, Any] = keras.saving.serialize_keras_object(arguments)
        return config

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self:
        """Undoes `get_config`."""
        return cls(**keras.saving.deserialize_keras_object(config))
