"""Draws latencies over time, and how many are how long."""

from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, NullLocator
from tagkeras.report.figures import palette
from tagkeras.report.figures.head import set_head

from serving.load_test.report import Report
from serving.load_test.samples import Samples, Times
from tagkeras.report import plotting

NAME = "latency"

_SLICES = 60
_TICKS = (0.0, 50.0, 90.0, 99.0, 99.9, 99.99)


def save_latency_plot(folder: Path, report: Report, samples: Samples) -> None:
    """Writes `latency.png` and `latency.svg`.

    Args:
        folder: that gets them.
        report: of the samples.
        samples: at least one of them with a latency.
    """
    has_latency = samples.has_latency
    due = samples.due[has_latency]
    milliseconds = (samples.done[has_latency] - due) * 1000
    figure = draw_latencies(due - due.min(), milliseconds, title=_title(report))
    shown = "median and maximum of latencies by time, and their percentiles"
    plotting.save(figure, folder, NAME, shown)


@plotting.styled
def draw_latencies(seconds: Times, milliseconds: Times, *, title: str) -> Figure:
    """Draws latencies by when their requests were due, and their percentiles.

    Args:
        seconds: when each request was due.
        milliseconds: its latency.
        title: of the figure.
    """
    figure = plotting.new_figure(4.4)
    over_time, percentiles = figure.subplots(2, 1)

    edges = np.linspace(0, max(float(seconds.max()), 1e-9), _SLICES + 1)
    places = np.clip(np.searchsorted(edges, seconds, side="right") - 1, 0, _SLICES - 1)
    filled = np.unique(places)
    groups = [milliseconds[places == place] for place in filled]
    middles = (edges[filled] + edges[filled + 1]) / 2
    for name, color, reduce in (
        ("maximum", palette.VERMILION, np.max),
        ("median", palette.BLUE, np.median),
    ):
        reduced = [float(reduce(group)) for group in groups]
        over_time.plot(middles, reduced, color=color, marker=".", markersize=4, label=name)
    over_time.set_ylim(bottom=0)
    over_time.set_xlabel("seconds")
    over_time.set_ylabel("latency (ms)")

    # The scale of a tail: as far from 99 to 99.9 as from 90 to 99.
    asked = 100 - np.logspace(2, np.log10(100 - _TICKS[-1]), 200)
    values = np.percentile(milliseconds, asked, method="inverted_cdf")
    percentiles.plot(1 / (1 - asked / 100), values, color=palette.BLUE)
    percentiles.set_xscale("log")
    percentiles.xaxis.set_major_locator(FixedLocator([1 / (1 - tick / 100) for tick in _TICKS]))
    percentiles.xaxis.set_minor_locator(NullLocator())
    percentiles.xaxis.set_major_formatter(lambda value, _: f"{100 - 100 / value:.6g}")
    percentiles.set_ylim(bottom=0)
    percentiles.set_xlabel("percentile")
    percentiles.set_ylabel("latency (ms)")
    set_head(figure, title, over_time.get_legend_handles_labels()[0])
    return figure


def _title(report: Report) -> str:
    if report.clients is None:
        return f"Latency at {report.asked_rate:g} requests/s ({report.arrivals} arrivals)"
    return f"Latency with {report.clients} client{'s' if report.clients > 1 else ''}"
