"""Optimizers that update only the rows of a table that a step touched."""

from typing import Any

import keras

from tagkeras.names import look_up
from tagkeras.optimizers.row_optimizers import (
    RowAdagrad,
    RowOptimizer,
    RowSGD,
    sum_duplicates,
)

__all__ = ["RowAdagrad", "RowOptimizer", "RowSGD", "get", "matching", "sum_duplicates"]

_CLASSES: dict[str, type[RowOptimizer]] = {
    "adagrad": RowAdagrad,
    "sgd": RowSGD,
}


def get(identifier: str | RowOptimizer, **kwargs: Any) -> RowOptimizer:
    """The row optimizer of one of `tagkeras.names.OPTIMIZERS`, made with `kwargs`, or one as it is.

    Example:
        >>> tagkeras.optimizers.get("sgd", momentum=0.9).momentum
        0.9

    Raises:
        ValueError: the name is none of them.
    """
    return look_up("row optimizer", _CLASSES, identifier, kwargs)


def matching(optimizer: keras.optimizers.Optimizer) -> RowOptimizer:
    """The row optimizer to go with a Keras optimizer, at whose rate it steps.

    `RowSGD` with the same momentum for `keras.optimizers.SGD`, `RowAdagrad` for all others.

    Example:
        >>> matching(keras.optimizers.SGD(0.1, momentum=0.9)).momentum
        0.9
    """
    inner = getattr(optimizer, "inner_optimizer", optimizer)
    if isinstance(inner, keras.optimizers.SGD):
        return RowSGD(momentum=inner.momentum)
    return RowAdagrad()
