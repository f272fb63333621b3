"""Samplers: how WARP searches the tags that are not on a post for one that ranks too high."""

from typing import Any

from tagkeras.names import look_up
from tagkeras.samplers.exhaustive import Exhaustive
from tagkeras.samplers.pooled import Pooled
from tagkeras.samplers.sampler import Negatives, Sampler
from tagkeras.samplers.sequential import Sequential

__all__ = ["Exhaustive", "Negatives", "Pooled", "Sampler", "Sequential", "get"]

_CLASSES: dict[str, type[Sampler]] = {
    "pooled": Pooled,
    "sequential": Sequential,
    "exhaustive": Exhaustive,
}


def get(identifier: str | Sampler, **kwargs: Any) -> Sampler:
    """The sampler of one of `tagkeras.names.SAMPLERS`, made with `kwargs`, or a sampler as it is.

    Example:
        >>> tagkeras.samplers.get("pooled", max_negatives=100).max_negatives
        100

    Raises:
        ValueError: the name is none of them.
    """
    return look_up("sampler", _CLASSES, identifier, kwargs)
