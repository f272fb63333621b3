"""A measured number with its interval."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any


@dataclasses.dataclass(frozen=True)
class Estimate:
    """A value and, where it is known, the interval around it.

    Attributes:
        value: of the metric; a fraction in [0, 1] or, for the entropy, bits.
        low: lower end of the interval; None without one.
        high: upper end.

    Raises:
        ValueError: only one end is given, or they are in the wrong order.
    """

    value: float
    low: float | None = None
    high: float | None = None

    def __post_init__(self) -> None:
        if (self.low is None) != (self.high is None):
            raise ValueError(f"an interval has two ends, received {self.low} and {self.high}")
        if self.low is not None and self.high is not None and self.low > self.high:
            raise ValueError(f"an interval goes from low to high, received {self.low}, {self.high}")

    @classmethod
    def of(
        cls,
        metrics: Mapping[str, Any],
        name: str,
        intervals: Mapping[str, Sequence[float]] | None = None,
    ) -> "Estimate":
        """The metric `name` of `metrics`, with its interval if `intervals` has one.

        Raises:
            KeyError: there is no such metric.
        """
        if intervals is None or name not in intervals:
            return cls(metrics[name])
        low, high = intervals[name]
        return cls(metrics[name], low, high)

    @property
    def ends(self) -> tuple[float, float]:
        """The interval; the value twice without one."""
        if self.low is None or self.high is None:
            return self.value, self.value
        return self.low, self.high
