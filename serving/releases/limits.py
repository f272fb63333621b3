"""What a new version may cost: limits that stop a script before the promotion."""

import dataclasses
from collections.abc import Iterator

from serving.releases.version_comparison import VersionComparison


@dataclasses.dataclass(frozen=True, kw_only=True)
class Limits:
    """How far the second version may fall behind the first.

    Attributes:
        max_errors: posts that only the second fails.
        max_drop: of P@1, R@k and A@k each, as a fraction; None for no limit.
        max_slowdown: its 95th percentile of latencies by that of the first; None for no limit.
    """

    max_errors: int = 0
    max_drop: float | None = None
    max_slowdown: float | None = None

    def exceeded(self, found: VersionComparison) -> Iterator[str]:
        """Each limit that a comparison exceeds, in words."""
        if found.newly_failing > self.max_errors:
            yield (
                f"{found.newly_failing} of {found.posts} posts fail on {found.second.name} only, "
                f"more than --max_errors={self.max_errors} "
                f"({found.new_failure})"
            )
        if not found.compared:
            yield "no post was answered by both"
        if self.max_drop is not None:
            for name, metric in found.metrics.items():
                # Differences of equal means are not always 0 in floating point.
                if -metric.difference > self.max_drop + 1e-9:
                    yield (
                        f"{name} drops by {-metric.difference:.4f} "
                        f"(95% interval of the difference {metric.low:+.4f} to "
                        f"{metric.high:+.4f}), more than --max_drop={self.max_drop:g}"
                    )
        slowdown = found.slowdown
        if self.max_slowdown is not None and slowdown is not None and slowdown > self.max_slowdown:
            yield (
                f"the 95th percentile of latencies is {slowdown:.2f} times as long, more than "
                f"--max_slowdown={self.max_slowdown:g}"
            )
