"""The points of maps of users."""

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from tagkeras.report.figures import palette
from tagkeras.report.figures.text import compact
from tagkeras.report.plotting import WIDTH, new_figure

# Beyond so many users their points become pixels, which take less room than shapes.
_MAX_SHAPES = 6000


def check_points(points: np.ndarray, length: int) -> None:
    """Makes sure that there is a point for each of `length` users.

    Raises:
        ValueError: there is not, or there are no users.
    """
    if points.ndim != 2 or points.shape[1] != 2 or len(points) != length:
        raise ValueError(f"{length} users need [{length}, 2] points, received {points.shape}")
    if length == 0:
        raise ValueError("there are no users to draw")


def new_map(points: np.ndarray) -> tuple[Figure, Axes]:
    """Axes without numbers: only who is near whom means something."""
    figure = new_figure(WIDTH)
    axes = figure.subplots()
    low, high = points.min(axis=0), points.max(axis=0)
    center, half = (low + high) / 2, 0.53 * max(float((high - low).max()), 1e-6)
    axes.set_xlim(center[0] - half, center[0] + half)
    axes.set_ylim(center[1] - half, center[1] + half)
    axes.set_aspect("equal", adjustable="box")
    axes.set_xticks([])
    axes.set_yticks([])
    axes.grid(visible=False)
    for spine in axes.spines.values():
        spine.set_visible(True)
        spine.set_color(palette.GRID)
    return figure, axes


def draw_users(
    axes: Axes, points: np.ndarray, chosen: np.ndarray, label: str, color: str, marker: str
) -> Line2D:
    """Draws the chosen users; gives their entry of the legend."""
    size = float(np.clip(150 / np.sqrt(len(points)), 1.8, 6))
    style: dict[str, Any] = {
        "marker": marker,
        "color": color,
        "linestyle": "none",
        "markeredgewidth": 0.0,
    }
    if marker == "x":
        style["markeredgewidth"] = 0.9
    axes.plot(
        points[chosen, 0],
        points[chosen, 1],
        markersize=size * (1.35 if marker in "*PX." else 1.0),
        alpha=0.55 if color == palette.UNKNOWN else 0.8,
        rasterized=len(points) > _MAX_SHAPES,
        **style,
    )
    return Line2D([], [], label=f"{label} ({compact(int(chosen.sum()))})", markersize=7, **style)


def map_note(points: np.ndarray) -> str:
    """What a reader of a map of these users has to know."""
    return f"t-SNE of the learned vectors of {len(points):,} users; only nearness has a meaning."
