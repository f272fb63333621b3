"""Charts: rows of dots or bars, panels with lines, and the title and legend above them."""

import math
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, MaxNLocator

from tagkeras.report import formats
from tagkeras.report.style import INK, MUTED, SeriesStyle, figure_style, series_styles

# Inches. A phone shows them 5 inches wide as a page of 360 pixels: 10 points are then 9.6 pixels.
WIDTH = 5.2


class Estimate(NamedTuple):
    """A measured value, and the ends of its interval where it is known."""

    value: float
    ends: tuple[float, float] | None = None


class Row(NamedTuple):
    """A row of a chart: the estimates by series, between a label and a note."""

    label: str
    estimates: Mapping[str, Estimate]
    note: str = ""


@figure_style()
def draw_rows(
    panels: Mapping[str, Sequence[Row]],
    *,
    title: str,
    x_label: str = "",
    note: str = "",
    is_fraction: bool = True,
    bars: bool = False,
) -> Figure:
    """Draws panels of rows; a row has a dot with its interval, or a bar from 0, for each series.

    Rows, one or more, are by the title of their panel; the axis of fractions is in percent.
    """
    rows = [row for panel in panels.values() for row in panel]
    styles = series_styles(name for row in rows for name in row.estimates)
    num_series = max(len(row.estimates) for row in rows)
    lines = max(1 + len(row.label) // 23 for row in rows)
    row_height = max(0.11 + 0.17 * lines, 0.13 + 0.115 * num_series)
    heights = [row_height * (len(panel) + 0.2) for panel in panels.values()]
    figure = Figure((WIDTH, sum(heights) + 0.35 * len(panels) + 0.3))
    grid = figure.subplots(len(panels), squeeze=False, sharex=True, height_ratios=heights)
    step = 0.8 / num_series if num_series > 1 else 0.5
    for axes, (panel_title, panel) in zip(grid.flat, panels.items(), strict=True):
        axes.set_title(panel_title)
        for place, row in enumerate(panel):
            for number, (name, estimate) in enumerate(row.estimates.items()):
                y = place + (number - (len(row.estimates) - 1) / 2) * step
                _draw_estimate(axes, y, estimate, styles[name], 0.85 * step if bars else 0)
            right = axes.get_yaxis_transform()
            axes.text(1.02, place, row.note, transform=right, va="center", color=INK)
        axes.set_yticks(range(len(panel)), [textwrap.fill(row.label, 22) for row in panel])
        axes.set_ylim(len(panel) - 0.4, -0.6)
        axes.grid(visible=False, axis="y")
        axes.tick_params(axis="y", length=0)
        axes.spines["left"].set_visible(False)
        if is_fraction:
            set_percent(axes.xaxis)
    if bars:
        highest = max(axes.dataLim.x1 for axes in grid.flat)
        grid.flat[-1].set_xlim(0, 1.04 * highest or 1)
    grid.flat[-1].set_xlabel(x_label)
    legend = [legend_entry(style, line="none") for style in styles.values()]
    set_head(figure, title, legend if num_series > 1 else (), note)
    return figure


def _draw_estimate(
    axes: Axes, y: float, estimate: Estimate, style: SeriesStyle, thickness: float
) -> None:
    """Draws a marker, a whisker over the interval and, if `thickness`, a bar; for NaN, nothing."""
    if math.isnan(estimate.value):
        return
    if thickness:
        axes.barh(y, estimate.value, thickness, color=style.color, alpha=0.55, linewidth=0)
    if estimate.ends:
        axes.plot(estimate.ends, [y, y], color=style.color, linewidth=2.2, solid_capstyle="butt")
    markers = style.markers
    markers["markersize"] *= 0.88
    axes.plot([estimate.value], [y], linestyle="none", clip_on=False, zorder=3, **markers)


def new_panels(number: int, row_height: float, **shared: Any) -> tuple[Figure, list[Axes]]:
    """A figure of panels, two in a row, each row `row_height` inches high."""
    num_rows = math.ceil(number / 2)
    figure = Figure((WIDTH, row_height * num_rows))
    panels = figure.subplots(num_rows, 2, squeeze=False, **shared).ravel().tolist()
    for axes in panels[number:]:
        axes.set_visible(False)
    for axes in panels[max(0, number - 2) : number]:  # the lowest of each column
        axes.tick_params(labelbottom=True)
    return figure, panels[:number]


def draw_line(
    axes: Axes, x: Any, y: Any, style: SeriesStyle, marked: Iterable[int] | None = None
) -> None:
    """Draws the line of a series, with markers at the indices `marked`; by default about six."""
    if marked is None:
        marked = range((len(x) - 1) % math.ceil(len(x) / 6), len(x), math.ceil(len(x) / 6))
    axes.plot(x, y, linestyle=style.line, markevery=list(marked), **style.markers)


def set_percent(axis: Axis, max_ticks: int = 6) -> None:
    """Shows an axis of fractions in percent."""
    axis.set_major_locator(MaxNLocator(max_ticks, steps=[1, 2, 2.5, 5, 10]))
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{100 * value:.6g}%"))


def legend_entry(style: SeriesStyle, line: Any = None) -> Line2D:
    """The marker of a series on its line, or on the given one."""
    return Line2D([], [], linestyle=line or style.line, label=style.label, **style.markers)


# Points. Widths are of the font that matplotlib brings, which is wider than most on a page.
_TITLE_LINE, _LEGEND_LINE, _NOTE_LINE, _GAP = 16.5, 15.2, 13.5, 4.0
_TITLE_CHARACTERS, _NOTE_CHARACTERS = 44, 58
_HANDLE, _CHARACTER = 41, 6.1
_POINTS_PER_INCH = 72


def set_head(figure: Figure, title: str, legend: Sequence[Artist] = (), note: str = "") -> None:
    """Puts title, legend and note (in small) above all that is drawn; the figure grows by them."""
    titles = textwrap.wrap(formats.shorten(title, 200), _TITLE_CHARACTERS)
    notes = textwrap.wrap(note, _NOTE_CHARACTERS)
    width, body = (_POINTS_PER_INCH * inches for inches in figure.get_size_inches())
    columns = _legend_columns([str(entry.get_label()) for entry in legend], width)
    sizes = [
        len(titles) * _TITLE_LINE + _GAP,
        math.ceil(len(legend) / columns) * _LEGEND_LINE + _GAP if legend else 0,
        len(notes) * _NOTE_LINE + _GAP if notes else 0,
    ]
    height = body + _GAP + sum(sizes)
    figure.set_size_inches(width / _POINTS_PER_INCH, height / _POINTS_PER_INCH)
    left, tops = _GAP / width, 1 - (_GAP + np.cumsum([0, *sizes])) / height
    heading = figure.suptitle("\n".join(titles), x=left, y=tops[0], ha="left", va="top")
    heading.set(size=12, weight="bold")
    placed: list[Artist] = [heading]
    if legend:
        corner = (left, tops[1])
        placed.append(
            figure.legend(handles=legend, loc="upper left", bbox_to_anchor=corner, ncols=columns)
        )
    placed.append(figure.text(left, tops[2], "\n".join(notes), va="top", color=MUTED))
    for artist in placed:
        artist.set_in_layout(False)
    figure.set_layout_engine("constrained", rect=(0, 0, 1, tops[3]))


def _legend_columns(labels: Sequence[str], width: float) -> int:
    """As many columns as fit beside each other; legends fill a column before the next."""
    for columns in range(len(labels), 1, -1):
        split = np.array_split([len(label) for label in labels], columns)
        if sum(_HANDLE + _CHARACTER * column.max() for column in split) <= width:
            return columns
    return 1
