"""A statistic with its bootstrap resamples: differences and means of them keep what is paired."""

import dataclasses
from collections.abc import Sequence

import numpy as np

from tagkeras.evaluate.bootstrap import percentiles


@dataclasses.dataclass(frozen=True, eq=False)
class Resampled:
    """A number, and what it is in resamples of the data.

    Attributes:
        value: of the data itself.
        samples: float [B], of each resample; row b of two statistics is of the same users.
    """

    value: float
    samples: np.ndarray

    def __sub__(self, other: "Resampled") -> "Resampled":
        return Resampled(self.value - other.value, self.samples - other.samples)

    def __truediv__(self, other: "Resampled") -> "Resampled":
        """The ratio; NaN where the other one is 0."""
        with np.errstate(invalid="ignore", divide="ignore"):
            value = float(np.float64(self.value) / other.value)
            return Resampled(value, self.samples / other.samples)

    @property
    def interval(self) -> tuple[float, float]:
        """Low and high of the 95% interval, by percentiles."""
        low, high = percentiles(self.samples[:, np.newaxis])[0]
        return float(low), float(high)

    @property
    def p_value(self) -> float:
        """Of the hypothesis that the number is 0, two-sided.

        Twice the share of resamples on the rarer side of 0, one resample more being counted as
        there: it is never below 2 / (B + 1).
        """
        samples = self.samples[~np.isnan(self.samples)]
        rarer = min(int((samples <= 0).sum()), int((samples >= 0).sum()))
        return min(1.0, 2 * (1 + rarer) / (1 + len(samples)))


def mean(statistics: Sequence[Resampled]) -> Resampled:
    """The mean of statistics, resample by resample."""
    value = float(np.mean([statistic.value for statistic in statistics]))
    return Resampled(value, np.mean([statistic.samples for statistic in statistics], axis=0))


def over_seeds(values: np.ndarray, samples: np.ndarray, rng: np.random.Generator) -> Resampled:
    """The mean over seeds, resampled over the data and the seeds together.

    In each resample S - 1 of the S seeds are drawn with replacement (S would give a variance that
    is too small by a factor of (S - 1) / S, and S is small), each with its value on the resampled
    data. One seed is taken as it is: then nothing is known of how far seeds differ.

    Args:
        values: float [S], of each seed's run.
        samples: float [S, B], of each seed's run in each resample of the data.
        rng: that draws the seeds.

    References:
        Owen, "The pigeonhole bootstrap" (Annals of Applied Statistics, 2007), for two kinds of
        things drawn at once; Rao and Wu, "Resampling inference with complex survey data" (JASA,
        1988), for S - 1 draws.
    """
    num_seeds, num_samples = samples.shape
    if num_seeds > 1:
        drawn = rng.integers(num_seeds, size=(num_samples, num_seeds - 1))
        samples = samples[drawn, np.arange(num_samples)[:, np.newaxis]].T
    return Resampled(float(values.mean()), samples.mean(axis=0))
