"""Mean and percentiles of latencies."""

import dataclasses

import numpy as np
import numpy.typing as npt

_PERCENTILES = (50.0, 95.0, 99.0, 99.9)


@dataclasses.dataclass(frozen=True)
class Latencies:
    """Figures of a number of latencies, in milliseconds.

    A percentile p is the smallest of the latencies that at least p% of them do not exceed: a value
    that was measured, not one between two, and of all of them, not of a histogram.
    """

    mean: float
    p50: float
    p95: float
    p99: float
    p99_9: float
    max: float

    @classmethod
    def of_seconds(cls, seconds: npt.NDArray[np.float64]) -> "Latencies | None":
        """The figures of latencies in seconds; None if there are none."""
        if not seconds.size:
            return None
        values = seconds * 1000
        p50, p95, p99, p99_9 = np.percentile(values, _PERCENTILES, method="inverted_cdf").tolist()
        return cls(float(values.mean()), p50, p95, p99, p99_9, float(values.max()))
