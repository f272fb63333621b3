"""When the requests of an open loop are due."""

import itertools
from collections.abc import Iterator

import numpy as np

KINDS = ("poisson", "even")

_DRAWN_AT_ONCE = 1024


def arrivals(kind: str, rate: float, seed: int = 0) -> Iterator[float]:
    """Seconds from the start at which requests are due, without end.

    Args:
        kind: `even`, 1/rate apart, the first at 0; or `poisson`, as of many users who know nothing
            of each other: gaps are drawn from an exponential distribution.
        rate: requests a second.
        seed: of the draw.
    """
    if kind == "even":
        return (number / rate for number in itertools.count())
    return _poisson(rate, seed)


def _poisson(rate: float, seed: int) -> Iterator[float]:
    rng = np.random.default_rng(seed)
    due = 0.0
    while True:
        for gap in rng.exponential(1 / rate, _DRAWN_AT_ONCE).tolist():
            due += gap
            yield due
