"""What a load test found: its figures, a table of them and a plot of latencies."""

import collections
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from rich.text import Text

from serving.load_test.load import Load, LoadGenerator
from serving.load_test.targets import DEADLINE_EXCEEDED, OK
from tagkeras.cli import files
from tagkeras.cli.console import fitting

# Figures by name: the JSON document that the command prints.
Report = dict[str, Any]

# Beyond them, the figures are those of the load generator and not of the server.
_MAX_LAG_MS = 10.0
_MAX_BUSY = 0.9


def make_report(generator: LoadGenerator, load: Load, batch: int) -> Report:
    """Figures of the requests after the warm-up, each of `batch` images (or descriptors).

    Returns:
        `clients`, `asked_rate`, `arrivals` and `batch`, as asked for;
        `seconds` from when the first request was due to the last answer; `requests` sent, those
        that `succeeded`, and `failures` and `details` by status;
        `calls_per_second` and `images_per_second` (successful ones), and `sent_rate`;
        `latency_ms`, see `latencies` and `figures_ms`;
        `lag_ms`, of an open loop: how much later than due requests were sent;
        `generator_busy`, the share of the time that the load generator was at work, 0 to 1;
        `warnings`, why the figures may say more of the load generator than of the server.
    """
    due, sent, done = np.array(generator.times).reshape(-1, 3).T
    requests = len(due)
    statuses = collections.Counter(generator.statuses)
    succeeded = statuses.pop(OK[0], 0)
    seconds = float(done.max() - due.min()) if requests else 0.0
    calls = succeeded / seconds if seconds else 0.0
    between = float(np.ptp(sent)) if requests else 0.0
    lag = None if load.rate is None else figures_ms(sent - due)
    warnings = []
    if generator.busy > _MAX_BUSY:
        warnings.append(
            f"the load generator was at work {generator.busy:.0%} of the time and may have been "
            "slower than the server; run several at once"
        )
    if lag and lag["p99"] > _MAX_LAG_MS:
        warnings.append(
            "the load generator did not keep up: one request in a hundred was sent "
            f"{lag['p99']:.0f} ms late or later, which its latency includes"
        )
    return {
        "clients": load.clients,
        "asked_rate": load.rate,
        "arrivals": None if load.rate is None else load.arrivals,
        "batch": batch,
        "seconds": seconds,
        "requests": requests,
        "succeeded": succeeded,
        "failures": dict(statuses.most_common()),
        "details": generator.details,
        "calls_per_second": calls,
        "images_per_second": calls * batch,
        "sent_rate": (requests - 1) / between if between else None,
        "latency_ms": figures_ms(latencies(generator)[1]),
        "lag_ms": lag,
        "generator_busy": generator.busy,
        "warnings": warnings,
    }


def latencies(generator: LoadGenerator) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
    """When requests were due, and how long they took from then, in seconds.

    Of those that were answered, and those that were waited for until their deadline: without them
    the slowest would be missing. How long a refusal took says nothing of answers.
    """
    waited = np.isin(generator.statuses, [OK[0], DEADLINE_EXCEEDED])
    due, _, done = np.array(generator.times).reshape(-1, 3)[waited].T
    return due, done - due


def figures_ms(seconds: npt.NDArray[np.float64]) -> dict[str, float] | None:
    """`mean`, `p50`, `p95`, `p99`, `p99_9` and `max` in milliseconds; None of no values.

    A percentile p is the smallest of the values that at least p% of them do not exceed: one that
    was measured, not one between two.
    """
    if not seconds.size:
        return None
    values = seconds * 1000
    percentiles = np.percentile(values, [50, 95, 99, 99.9], method="inverted_cdf")
    figures = [values.mean(), *percentiles, values.max()]
    names = ("mean", "p50", "p95", "p99", "p99_9", "max")
    return dict(zip(names, map(float, figures), strict=True))


def print_report(report: Report) -> None:
    """Prints figures as lines of a name and a value, then failures and warnings."""
    lines = {
        "server": "{server} ({api}), {model}, {signature}",
        "load": _loop(report) + ", {batch} a request",
        "requests": "{requests:,} in {seconds:.2f} s",
        "answered": "{succeeded:,}",
        "throughput": "{calls_per_second:.1f} calls/s, {images_per_second:.1f} images/s",
    }
    if report["asked_rate"] and report["sent_rate"]:
        lines["sent"] = "{sent_rate:.1f} of {asked_rate:g} requests/s"
    if report["latency_ms"]:
        figures = (f"{n.replace('_', '.')} {v:.2f}" for n, v in report["latency_ms"].items())
        lines["latency, ms"] = ", ".join(figures)
    console = fitting()
    for name, text in lines.items():
        console.print(Text.assemble((f"{name:<13}", "dim"), text.format(**report)))
    for status, count in report["failures"].items():
        detail = f": {report['details'][status]}" if report["details"][status] else ""
        console.print(f"{count:,} failed with {status}{detail}", style="red", markup=False)
    for warning in report["warnings"]:
        console.print(f"note: {warning}", style="yellow", markup=False)


def write_report(folder: str, report: Report, generator: LoadGenerator) -> None:
    """Writes `report.json`, and `latency.png` and `latency.svg` if matplotlib is there."""
    with files.files_written_aside(folder, last="report.json") as aside:
        (aside / "report.json").write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
        if report["latency_ms"] is not None:
            try:
                _plot(aside, *latencies(generator), _loop(report))
            except ImportError:
                print("no plot of latencies: pip install 'tagkeras[report]'", file=sys.stderr)


def _loop(report: Report) -> str:
    if report["clients"] is None:
        return "open loop, {asked_rate:g} requests/s, {arrivals} arrivals".format(**report)
    return f"closed loop, {report['clients']} client{'s' if report['clients'] > 1 else ''}"


def _plot(folder: Path, due: npt.NDArray[Any], seconds: npt.NDArray[Any], title: str) -> None:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, 4.5), layout="constrained")
    axes = figure.subplots()
    axes.plot(due - due.min(), seconds * 1000, ".", markersize=2, rasterized=True)
    axes.set(title=title, xlabel="request due (s)", ylabel="latency (ms)", ylim=(0, None))
    for suffix in ("png", "svg"):
        figure.savefig(folder / f"latency.{suffix}", dpi=150)
