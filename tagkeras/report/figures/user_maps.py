"""Maps of users: their vectors in the plane, coloured by what they said of themselves."""

from collections import Counter
from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from tagkeras.report.figures import palette
from tagkeras.report.figures.head import set_head
from tagkeras.report.figures.text import shown
from tagkeras.report.figures.user_labels import label_values
from tagkeras.report.figures.user_points import check_points, draw_users, map_note, new_map
from tagkeras.report.plotting import styled

_AGES = (20, 30, 40, 50, 60)
_AGE_LABELS = ("under 20", "20-29", "30-39", "40-49", "50-59", "60 and over")
_STYLES = (
    (palette.BLUE, "o"),
    (palette.VERMILION, "s"),
    (palette.GREEN, "^"),
    (palette.PURPLE, "D"),
    (palette.ORANGE, "v"),
    (palette.SKY, "P"),
    (palette.OLIVE, "X"),
    (palette.BROWN, "*"),
)
# Fewer values are told apart by the legend alone.
_MIN_LABELS = 4
_OTHER, _UNKNOWN = "others", "unknown"


@styled
def draw_user_map_by_age(
    points: np.ndarray, age: np.ndarray, *, title: str = "Users by age"
) -> Figure:
    """Draws users in the colours of their age groups, unknown ages in grey.

    Args:
        points: float [N, 2], of `tagkeras.report.user_map`.
        age: float [N], years; NaN if unknown.
        title: of the figure.

    Raises:
        ValueError: there are no users, or the lengths differ.
    """
    age = np.asarray(age, np.float64)
    check_points(points, len(age))
    known = np.isfinite(age)
    group = np.where(known, np.digitize(age, _AGES), -1)
    figure, axes = new_map(points)
    handles = [
        draw_users(axes, points, group == number, label, color, "o")
        for number, (label, color) in enumerate(zip(_AGE_LABELS, palette.SEQUENCE, strict=True))
    ]
    if not known.all():
        handles.append(draw_users(axes, points, ~known, _UNKNOWN, palette.UNKNOWN, "."))
    set_head(figure, title, handles, map_note(points))
    return figure


@styled
def draw_user_map_by_category(
    points: np.ndarray,
    values: Sequence[str],
    attribute: str,
    *,
    max_values: int = 8,
    title: str | None = None,
) -> Figure:
    """Draws users in a colour and a shape for each of the most common values, others in grey.

    A value stands on the map as well where most neighbours of its users have it too.

    Args:
        points: float [N, 2], of `tagkeras.report.user_map`.
        values: N of them; empty if unknown.
        attribute: what they are of, such as `gender`, for the title.
        max_values: that have a colour, at most 8.
        title: of the figure.

    Raises:
        ValueError: there are no users, the lengths differ, or there are not so many colours.
    """
    check_points(points, len(values))
    if not 1 <= max_values <= len(_STYLES):
        raise ValueError(f"max_values must be 1 to {len(_STYLES)}, received {max_values}")
    counts = Counter(value for value in values if value)
    common = [v for v, _ in sorted(counts.items(), key=lambda item: (-item[1], item[0]))]
    common = common[:max_values]
    array = np.array(values, object)
    figure, axes = new_map(points)
    rest = {
        _OTHER: ~np.isin(array, [*common, ""]),
        _UNKNOWN: array == "",
    }
    greys = [
        draw_users(axes, points, chosen, label, palette.UNKNOWN, marker)
        for (label, chosen), marker in zip(rest.items(), (".", "x"), strict=True)
        if chosen.any()
    ]
    handles = [
        draw_users(axes, points, array == value, shown(value, 24), color, marker)
        for value, (color, marker) in zip(common, _STYLES, strict=False)
    ]
    if len(common) >= _MIN_LABELS:
        colors = [color for color, _ in _STYLES]
        label_values(axes, points, array, dict(zip(common, colors, strict=False)))
    set_head(figure, title or f"Users by {attribute}", handles + greys, map_note(points))
    return figure
