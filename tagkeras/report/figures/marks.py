"""Marks that several figures share: bars, dots with whiskers, axes of percentages."""

import math
from collections.abc import Iterable

from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.ticker import FuncFormatter, MaxNLocator

from tagkeras.report.figures import palette
from tagkeras.report.figures.estimate import Estimate
from tagkeras.report.figures.looks import Look
from tagkeras.report.figures.text import percent


def draw_bar(axes: Axes, y: float, value: float, look: Look, thickness: float) -> None:
    """A bar from 0 with the marker of the series at its end; nothing for NaN."""
    if math.isnan(value):
        return
    axes.barh(y, value, thickness, color=look.color, alpha=0.55, linewidth=0)
    axes.plot([value], [y], linestyle="none", clip_on=False, zorder=3, **look.marker_style)


def draw_dot(axes: Axes, y: float, estimate: Estimate, look: Look) -> None:
    """A dot with a whisker over the interval; without one, or where it is narrow, the dot alone."""
    axes.plot(list(estimate.ends), [y, y], color=look.color, linewidth=2.2, solid_capstyle="butt")
    style = look.marker_style
    style["markersize"] *= 0.88
    axes.plot([estimate.value], [y], linestyle="none", zorder=3, **style)


def set_rows(axes: Axes, labels: list[str], *, pad: float = 0.6) -> None:
    """Makes y a list of rows, from top to bottom."""
    axes.set_yticks(range(len(labels)), labels)
    axes.set_ylim(len(labels) - 1 + pad, -pad)
    axes.grid(visible=False, axis="y")
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)


def start_at_zero(panels: Iterable[Axes]) -> None:
    """Makes x go from 0 to a little beyond all that was drawn, in all panels alike."""
    panels = list(panels)
    for axes in panels:
        axes.relim()
        axes.autoscale_view(scaley=False)
    highest = max(axes.dataLim.x1 for axes in panels)
    for axes in panels:
        axes.set_xlim(0, 1.04 * highest if highest > 0 else 1)


def write_beside(axes: Axes, y: float, text: str) -> None:
    """Writes a number at the right of a row."""
    axes.text(
        1.02,
        y,
        text,
        transform=axes.get_yaxis_transform(),
        va="center",
        ha="left",
        color=palette.INK,
    )


def set_percent(axis: Axis, max_ticks: int = 6) -> None:
    """Makes the ticks of an axis of fractions percentages."""
    axis.set_major_locator(MaxNLocator(max_ticks, steps=[1, 2, 2.5, 5, 10]))
    axis.set_major_formatter(FuncFormatter(_tick))


def is_fraction(metric: str) -> bool:
    """Whether a metric is a fraction, drawn as a percentage; the entropy has bits."""
    return not metric.startswith("entropy")


def written(metric: str, value: float) -> str:
    """A value of a metric in words: 12.3%, or 6.52 for the entropy in bits."""
    return percent(value) if is_fraction(metric) else f"{value:.2f}"


def _tick(value: float, _position: int | None = None) -> str:
    return f"{100 * value:.6g}%"
