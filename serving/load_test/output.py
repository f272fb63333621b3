"""A load test's report for people, and the folder that keeps it."""

import sys
from pathlib import Path

from rich.console import Console
from rich.table import Table

from serving.load_test.report import Report
from serving.load_test.samples import Samples
from tagkeras.cli import files
from tagkeras.cli.console import fitting
from tagkeras.cli.errors import UserError

FILE = "report.json"


def print_report(report: Report, console: Console | None = None) -> None:
    """Prints figures as lines of a name and a value, then failures and warnings."""
    console = fitting(console)
    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_column(style="dim")
    table.add_column()
    for name, value in _lines(report):
        table.add_row(name, value)
    console.print(table, markup=False)
    for status, count in report.failures.items():
        detail = f": {report.details[status]}" if report.details[status] else ""
        console.print(f"{count:,} failed with {status}{detail}", style="red", markup=False)
    for warning in report.warnings:
        console.print(f"note: {warning}", style="yellow", markup=False)


def write_report(folder: str, report: Report, samples: Samples) -> None:
    """Writes `report.json`, and `latency.png` and `latency.svg` if matplotlib is there.

    Without it, or without a latency to draw, one line on standard error says so.
    """
    with files.files_written_aside(folder, last=FILE) as aside:
        (aside / FILE).write_text(report.to_json() + "\n", encoding="utf-8")
        _draw(aside, report, samples)


def _draw(folder: Path, report: Report, samples: Samples) -> None:
    try:
        from serving.load_test.plot import save_latency_plot
    except UserError as error:
        print(f"no plot of latencies: {error}", file=sys.stderr)
        return
    if report.latency_ms is None:
        print("no plot of latencies: no request was answered", file=sys.stderr)
        return
    save_latency_plot(folder, report, samples)


def _lines(report: Report) -> list[tuple[str, str]]:
    if report.clients is None:
        loop = f"open loop, {report.asked_rate:g} requests/s, {report.arrivals} arrivals"
    else:
        loop = f"closed loop, {report.clients} client{'s' if report.clients > 1 else ''}"
    lines = [
        ("server", f"{report.server} ({report.api}), {report.model}, {report.signature}"),
        ("load", f"{loop}, {report.batch} a request"),
        ("requests", f"{report.requests:,} in {report.seconds:.2f} s"),
        ("answered", f"{report.succeeded:,}"),
        (
            "throughput",
            f"{report.calls_per_second:.1f} calls/s, {report.images_per_second:.1f} images/s",
        ),
    ]
    if report.clients is None and report.sent_rate is not None:
        lines.append(("sent", f"{report.sent_rate:.1f} of {report.asked_rate:g} requests/s"))
    if report.latency_ms is not None:
        latency = report.latency_ms
        figures = (
            ("mean", latency.mean),
            ("p50", latency.p50),
            ("p95", latency.p95),
            ("p99", latency.p99),
            ("p99.9", latency.p99_9),
            ("max", latency.max),
        )
        lines.append(("latency, ms", ", ".join(f"{name} {value:.2f}" for name, value in figures)))
    return lines
