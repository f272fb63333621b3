"""Names that stand on a map of users, beside those they are of."""

from collections.abc import Mapping

import numpy as np
from matplotlib.axes import Axes
from sklearn.neighbors import NearestNeighbors

from tagkeras.report.figures import palette
from tagkeras.report.figures.text import shown

_NEIGHBOURS = 10
# Share of its users' neighbours that a value with a name on the map has itself.
_MIN_SHARE = 0.5
_LENGTH = 16

# As shares of the map's side: radius of a crowd, height of a line and width of a character.
_CROWD, _HALF_HEIGHT, _CHARACTER, _PADDING = 0.06, 0.024, 0.021, 0.012


def label_values(
    axes: Axes, points: np.ndarray, values: np.ndarray, colors: Mapping[str, str]
) -> None:
    """Writes values where most of their users are, unless they are mixed with others.

    Each stands beside the thickest crowd of its users, where it hides the fewest points.

    Args:
        axes: of the map, a square.
        points: float [N, 2].
        values: object [N], strings.
        colors: of the values that may be written, for their frames.
    """
    k = min(_NEIGHBOURS, len(points) - 1)
    if k < 1:
        return
    near = NearestNeighbors(n_neighbors=k).fit(points).kneighbors(return_distance=False)
    share = (values[near] == values[:, np.newaxis]).mean(axis=1)
    low = np.array([axes.get_xlim()[0], axes.get_ylim()[0]])
    unit_points = (points - low) / np.ptp(axes.get_xlim())
    boxes = np.empty((0, 4))
    for value, color in colors.items():
        rows = np.flatnonzero(values == value)
        if len(rows) <= k or share[rows].mean() < _MIN_SHARE:
            continue
        half_width = _CHARACTER * len(shown(value, _LENGTH)) / 2 + _PADDING
        center = _choose_center(_crowd(unit_points[rows]), half_width, unit_points, boxes)
        if center is None:
            continue
        boxes = np.vstack([boxes, _box(center, half_width)])
        axes.text(
            float(center[0]),
            float(center[1]),
            shown(value, _LENGTH),
            transform=axes.transAxes,
            ha="center",
            va="center",
            zorder=5,
            bbox={
                "boxstyle": "round,pad=0.2",
                "facecolor": palette.SURFACE,
                "edgecolor": color,
                "linewidth": 1.2,
                "alpha": 0.9,
            },
        )


def _crowd(points: np.ndarray) -> np.ndarray:
    """The point [2] that has the most others around it."""
    search = NearestNeighbors(radius=_CROWD).fit(points)
    around = [len(found) for found in search.radius_neighbors(return_distance=False)]
    return points[int(np.argmax(around))]


def _choose_center(
    crowd: np.ndarray, half_width: float, points: np.ndarray, boxes: np.ndarray
) -> np.ndarray | None:
    """Where a label hides the fewest points, near its crowd and off other labels; None if nowhere.

    Args:
        crowd: [2], what the label is of.
        half_width: of the label.
        points: [N, 2].
        boxes: [L, 4], the labels so far.
    """
    best, best_cost = None, np.inf
    for distance in (0.0, 0.02, 0.05):
        for x, y in ((0, 1), (1, 0), (-1, 0), (0, -1), (1, 1), (-1, 1), (1, -1), (-1, -1)):
            step = np.array([half_width + distance, _HALF_HEIGHT + distance])
            center = crowd + np.array([x, y]) * step
            left, bottom, right, top = _box(center, half_width)
            if min(left, bottom) < 0 or max(right, top) > 1:
                continue
            if (
                (boxes[:, 0] < right)
                & (boxes[:, 2] > left)
                & (boxes[:, 1] < top)
                & (boxes[:, 3] > bottom)
            ).any():
                continue
            hidden = ((points > (left, bottom)) & (points < (right, top))).all(axis=1).sum()
            # A label farther away must be worth it.
            cost = hidden + 0.05 * len(points) * distance
            if cost < best_cost:
                best, best_cost = center, cost
    return best


def _box(center: np.ndarray, half_width: float) -> np.ndarray:
    """Left, bottom, right and top of a label, [4]."""
    half = np.array([half_width, _HALF_HEIGHT])
    return np.concatenate([center - half, center + half])
