"""The names of models, losses, samplers and optimizers, as flags and `get` functions take them.

They stand here, away from the classes, so that a command's `--help` need not import TensorFlow.
"""

from collections.abc import Mapping
from typing import Any, TypeVar

MODELS = ("bilinear", "user_biased", "multiplicative")
LOSSES = ("warp", "softmax", "sampled_softmax", "bpr")
SAMPLERS = ("pooled", "sequential", "exhaustive")
OPTIMIZERS = ("adagrad", "sgd")
RANK_WEIGHTS = ("harmonic", "none")
REDUCTIONS = ("mean", "sum")

T = TypeVar("T")


def look_up(kind: str, classes: Mapping[str, type[T]], identifier: str | T, arguments: Any) -> T:
    """Makes the class that `identifier` names; returns an `identifier` that is no string as it is.

    Args:
        kind: of the object, for the message.
        classes: by name.
        identifier: a name, or an object that needs no look-up.
        arguments: keyword arguments of the class.

    Raises:
        ValueError: the name is none of them.
    """
    if not isinstance(identifier, str):
        return identifier
    if identifier not in classes:
        raise ValueError(f"{kind} must be one of {', '.join(classes)}, received {identifier!r}")
    return classes[identifier](**arguments)
