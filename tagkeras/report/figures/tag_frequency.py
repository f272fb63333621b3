"""How frequent hashtags are: many rare ones, few frequent ones, and what balancing does to it."""

import re
from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedLocator, FuncFormatter, LogLocator, NullLocator

from tagkeras.report.figures import palette
from tagkeras.report.figures.head import set_head
from tagkeras.report.figures.looks import label_of
from tagkeras.report.figures.text import compact
from tagkeras.report.plotting import new_figure, styled

_STYLES: dict[str, tuple[str, Any, str]] = {
    "natural": (palette.BLUE, "-", "o"),
    "balanced": (palette.VERMILION, (0, (4, 1.4)), "s"),
}
_OTHER_STYLE: tuple[str, Any, str] = (palette.PURPLE, ":", "D")


def tag_histogram(counts: np.ndarray) -> dict[str, int]:
    """How many hashtags are on so many posts, in the bins of a balanced dataset's manifest.

    Args:
        counts: int [Y], training posts of each hashtag.

    Returns:
        By `0`, `1`, `2-3`, `4-7` and so on.
    """
    counts = np.asarray(counts)
    histogram = {"0": int((counts == 0).sum())}
    low = 1
    while low <= int(counts.max(initial=1)):
        high = 2 * low - 1
        name = str(low) if low == high else f"{low}-{high}"
        histogram[name] = int(((counts >= low) & (counts <= high)).sum())
        low *= 2
    return histogram


@styled
def draw_tag_frequency(
    histograms: Mapping[str, Mapping[str, int]],
    *,
    title: str = "How frequent hashtags are",
) -> Figure:
    """Draws how many hashtags are on so many training posts, and how many on at least so many.

    Args:
        histograms: by `natural` and `balanced`, those of `tag_histogram` or of a manifest.
        title: of the figure.

    Raises:
        ValueError: there is no hashtag, or a bin is not of that form.
    """
    bins = {name: _parse(histogram) for name, histogram in histograms.items()}
    if not bins or not all(counts.sum() for _, counts, _ in bins.values()):
        raise ValueError("there are no hashtags to draw")
    figure = new_figure(4.6)
    top, bottom = figure.subplots(2)
    handles = []
    for number, (name, (edges, counts, unused)) in enumerate(bins.items()):
        color, line, marker = _STYLES.get(name, _OTHER_STYLE)
        if number == 0:
            top.stairs(counts, edges, fill=True, color=color, alpha=0.3)
        top.stairs(counts, edges, color=color, linewidth=2.2, linestyle=line, baseline=0)
        at_least = counts[::-1].cumsum()[::-1]
        bottom.plot(
            edges[:-1][at_least > 0],
            at_least[at_least > 0],
            color=color,
            linestyle=line,
            marker=marker,
            markersize=5,
        )
        label = label_of(name) + (f" ({compact(unused)} on none)" if unused else "")
        handles.append(
            Line2D([], [], color=color, linestyle=line, marker=marker, markersize=5, label=label)
        )
    highest = max(edges[-1] for edges, _, _ in bins.values())
    for axes in (top, bottom):
        _set_posts(axes, highest)
    top.set_title("how many hashtags are on so many posts")
    top.set_ylim(bottom=0)
    top.yaxis.set_major_formatter(FuncFormatter(lambda value, _: compact(value)))
    bottom.set_title("how many are on at least so many")
    bottom.set_yscale("log")
    bottom.yaxis.set_major_locator(LogLocator(10, numticks=6))
    bottom.yaxis.set_major_formatter(FuncFormatter(lambda value, _: compact(value)))
    bottom.yaxis.set_minor_locator(NullLocator())
    bottom.set_xlabel("training posts of a hashtag (steps double)")
    for axes in (top, bottom):
        axes.set_ylabel("hashtags")
    set_head(figure, title, handles if len(handles) > 1 or bins.keys() != {"natural"} else ())
    return figure


def _parse(histogram: Mapping[str, int]) -> tuple[np.ndarray, np.ndarray, int]:
    """Edges [B + 1] of the bins from 1 on, their counts [B], and how many hashtags are on none.

    Raises:
        ValueError: bins are not `0`, `1`, `2-3`, `4-7` and so on.
    """
    edges, counts, unused = [1.0], [], 0
    for name, count in histogram.items():
        match = re.fullmatch(r"(\d+)(?:-(\d+))?", name)
        if match is None:
            raise ValueError(f"{name!r} is no bin of a histogram such as 4-7")
        low, high = int(match[1]), int(match[2] or match[1])
        if high == 0:
            unused = count
            continue
        if low != edges[-1] or high != 2 * low - 1:
            raise ValueError(f"the bin {name!r} of a histogram does not follow the one before")
        edges.append(float(high + 1))
        counts.append(count)
    return np.array(edges), np.array(counts, np.int64), unused


def _set_posts(axes: Axes, highest: float) -> None:
    axes.set_xscale("log", base=2)
    axes.set_xlim(1, highest)
    decades = [10.0**power for power in range(int(np.log10(highest)) + 1)]
    places = decades if len(decades) > 2 else [2.0**p for p in range(int(np.log2(highest)) + 1)]
    axes.xaxis.set_major_locator(FixedLocator(places))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: compact(value)))
