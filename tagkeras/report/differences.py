"""Differences between the runs of a group."""

import dataclasses
from collections.abc import Mapping

from tagkeras.cli.progress import progress
from tagkeras.evaluate.comparison import Difference, compare
from tagkeras.report.figures.looks import label_of
from tagkeras.report.runs import BILINEAR, RunGroup


@dataclasses.dataclass(frozen=True, kw_only=True)
class DifferenceRow:
    """A run against another.

    Attributes:
        first: label of the one that it is compared with.
        second: label of the run.
        by_metric: second - first.
    """

    first: str
    second: str
    by_metric: Mapping[str, Difference]


def differences_of(group: RunGroup) -> list[DifferenceRow]:
    """Each run against the reference: the bilinear run, or the first where there is none."""
    reference = group.of_model(BILINEAR) or next(iter(group.runs))
    others = [name for name in group.runs if name != reference]
    pairs = [(reference, name) for name in others]
    runner_up = max(
        (name for name in group.runs if name != group.best),
        key=lambda name: group.runs[name].metrics[group.headline],
        default=None,
    )
    if runner_up and reference not in (runner_up, group.best):
        pairs.append((runner_up, group.best))
    rows = []
    with progress(f"comparing runs, {group.name}", len(pairs), "pairs") as advance:
        for first, second in pairs:
            by_metric = compare(group.runs[first].evaluation, group.runs[second].evaluation)
            rows.append(
                DifferenceRow(first=label_of(first), second=label_of(second), by_metric=by_metric)
            )
            advance(1)
    return rows
