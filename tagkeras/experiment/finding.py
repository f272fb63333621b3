"""A claim of the paper, tested on data at hand."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

from tagkeras.experiment.resampled import Resampled

SEEN, NOT_SEEN, CONTRARY = "seen", "not seen", "contrary"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Finding:
    """A claim and what became of it.

    Attributes:
        name: of the claim, with the model where there are several.
        claim: in a sentence.
        datasets: that it was tested on, by name.
        metric: that it is told by, such as `R@10`.
        unit: `fraction`, `ratio` (of fractions) or `bits`.
        value: the number that the claim is about: a difference that should not be 0.
        low: end of its 95% interval.
        high: the other end.
        p_value: of the hypothesis that it is 0, two-sided.
        verdict: `seen` (the interval lies on the claim's side of 0), `contrary` (on the other) or
            `not seen` (0 is inside).
        text: the numbers in words.
        metrics: value, low, high, p_value and verdict by each metric that was looked at.
    """

    name: str
    claim: str
    datasets: tuple[str, ...]
    metric: str
    unit: str
    value: float
    low: float
    high: float
    p_value: float
    verdict: str
    text: str
    metrics: Mapping[str, Mapping[str, Any]] = dataclasses.field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """As `findings.json` lists it."""
        return dataclasses.asdict(self) | {"datasets": list(self.datasets)}


def verdict_of(low: float, high: float, *, sign: int = 1) -> str:
    """The verdict on a claim.

    Args:
        low: end of the interval of a number.
        high: the other end.
        sign: that the claim gives the number, 1 or -1.
    """
    low, high = sorted((sign * low, sign * high))
    return SEEN if low > 0 else CONTRARY if high < 0 else NOT_SEEN


def make_finding(
    name: str,
    claim: str,
    datasets: Sequence[str],
    differences: Mapping[str, Resampled],
    *,
    text: str,
    unit: str = "fraction",
    sign: int = 1,
) -> Finding:
    """A finding told by a number that should not be 0.

    Args:
        name: of the claim.
        claim: in a sentence.
        datasets: by name.
        differences: the number by each metric, the one that the verdict goes by first.
        text: what comes before the numbers.
        unit: of the numbers.
        sign: that the claim gives them.
    """
    found = {
        metric: {
            "value": difference.value,
            "low": difference.interval[0],
            "high": difference.interval[1],
            "p_value": difference.p_value,
            "verdict": verdict_of(*difference.interval, sign=sign),
        }
        for metric, difference in differences.items()
    }
    numbers = ", ".join(f"{metric} {describe(values, unit)}" for metric, values in found.items())
    first, difference = next(iter(differences.items()))
    low, high = difference.interval
    return Finding(
        name=name,
        claim=claim,
        datasets=tuple(datasets),
        metric=first,
        unit=unit,
        value=difference.value,
        low=low,
        high=high,
        p_value=difference.p_value,
        verdict=verdict_of(low, high, sign=sign),
        text=f"{text}: {numbers}.",
        metrics=found,
    )


def describe(numbers: Mapping[str, Any], unit: str) -> str:
    """Value, interval and p-value in words: percentage points, or bits."""
    factor, name = (1, "bits") if unit == "bits" else (100, "points" if unit == "fraction" else "%")
    value, low, high = (factor * numbers[key] for key in ("value", "low", "high"))
    return f"{value:+.2f} {name} [{low:+.2f}, {high:+.2f}], p {describe_p(numbers['p_value'])}"


def describe_p(p_value: float) -> str:
    """Such as `= 0.03`, `< 0.001`."""
    return "< 0.001" if p_value < 0.001 else f"= {p_value:.2g}"
