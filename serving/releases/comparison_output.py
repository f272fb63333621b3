"""How a comparison of two versions is printed: a table for people, JSON for programs."""

import dataclasses
import json
from collections.abc import Iterator

from rich import box
from rich.console import Console
from rich.table import Table

from serving.load_test.latencies import Latencies
from serving.releases.version_comparison import AskedVersion, VersionComparison
from tagkeras.cli.console import fitting


def to_json(found: VersionComparison) -> str:
    """A comparison as one JSON object; metrics are fractions in [0, 1]."""
    return json.dumps({**dataclasses.asdict(found), "slowdown": found.slowdown}, indent=2)


def print_comparison(found: VersionComparison, console: Console | None = None) -> None:
    """Prints both versions side by side, then what failed."""
    console = fitting(console)
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, collapse_padding=True)
    table.add_column("")
    for heading in (_heading(found.first), _heading(found.second), "difference", "95% interval"):
        table.add_column(heading, justify="right")
    for row in _rows(found):
        table.add_row(*row)
    console.print(table)
    shared = "" if found.compared == found.posts else f"{found.compared:,} answered by both; "
    line = f"{found.posts:,} posts; {shared}"
    if found.same_top is not None and found.overlap is not None:
        line += (
            f"first hashtag the same on {100 * found.same_top:.1f}%, "
            f"overlap@{found.k} {100 * found.overlap:.1f}%"
        )
    console.print(line.rstrip("; "), markup=False, highlight=False)
    for version in (found.first, found.second):
        for status, count in version.failures.items():
            console.print(
                f"{version.name}: {count:,} failed with {status}: {version.details[status]}",
                style="red",
                markup=False,
                highlight=False,
            )


def _heading(version: AskedVersion) -> str:
    number = "?" if version.version is None else str(version.version)
    return f"version {number}" if version.name == number else f"{version.name}, version {number}"


def _rows(found: VersionComparison) -> Iterator[tuple[str, ...]]:
    for name, metric in found.metrics.items():
        yield (
            name,
            f"{100 * metric.first:.2f}%",
            f"{100 * metric.second:.2f}%",
            f"{100 * metric.difference:+.2f}",
            f"{100 * metric.low:+.2f} to {100 * metric.high:+.2f}",
        )
    latencies = (found.first.latency_ms, found.second.latency_ms)
    for name in ("p50", "p95", "p99"):
        first, second = (_milliseconds(latency, name) for latency in latencies)
        yield f"latency {name}", first, second, "", ""
    yield (
        "errors",
        *(str(sum(version.failures.values())) for version in (found.first, found.second)),
        "",
        "",
    )


def _milliseconds(latency: Latencies | None, name: str) -> str:
    return "-" if latency is None else f"{getattr(latency, name):.1f} ms"
