"""How a series looks: the same colour, marker and line for a model in every figure."""

import dataclasses
import itertools
from collections.abc import Iterable
from typing import Any

from tagkeras.report.figures import palette
from tagkeras.report.figures.text import shown


@dataclasses.dataclass(frozen=True)
class Look:
    """How a series is drawn. Colour never stands alone: marker and line tell series apart too.

    Attributes:
        label: for people.
        color: of `palette`.
        marker: of matplotlib.
        line: line style of matplotlib.
        is_filled: whether markers are filled; those of baselines are not.
    """

    label: str
    color: str
    marker: str
    line: Any
    is_filled: bool = True

    @property
    def marker_style(self) -> dict[str, Any]:
        """Arguments of `Axes.plot` for the markers."""
        face = self.color if self.is_filled else palette.SURFACE
        return {
            "marker": self.marker,
            "color": self.color,
            "markerfacecolor": face,
            "markeredgecolor": self.color if not self.is_filled else palette.SURFACE,
            "markeredgewidth": 0.7 if self.is_filled else 1.4,
            "markersize": 9.5 if self.marker == "*" else 7,
        }


_DASHES: tuple[Any, ...] = ("-", (0, (5, 1.6)), (0, (1.4, 1.4)), (0, (6, 1.5, 1.4, 1.5)))
_MARKERS = ("o", "s", "D", "^", "v", "P", "X", "*")

_KNOWN = {
    "bilinear": Look("bilinear", palette.GREEN, "s", _DASHES[2]),
    "user_biased": Look("user-biased", palette.BLUE, "^", _DASHES[1]),
    "multiplicative": Look("multiplicative", palette.VERMILION, "o", _DASHES[0]),
    "frequency_baseline": Look(
        "frequency baseline", palette.BASELINE, "s", _DASHES[2], is_filled=False
    ),
    "demographic_baseline": Look(
        "demographic baseline", palette.BASELINE, "D", _DASHES[3], is_filled=False
    ),
    "neighbour_baseline": Look(
        "neighbour baseline", palette.BASELINE, "^", _DASHES[1], is_filled=False
    ),
    "oracle": Look("oracle", palette.ORACLE, "*", _DASHES[0]),
    "oracle_image_only": Look("oracle image only", palette.ORACLE, "<", _DASHES[2]),
    "oracle_user_only": Look("oracle user only", palette.ORACLE, ">", _DASHES[1]),
}
_FREE_COLORS = (palette.PURPLE, palette.ORANGE, palette.SKY, palette.OLIVE, palette.INK)


def label_of(name: str) -> str:
    """What people read for the name of a series: its own label if it is known, else the name."""
    return _KNOWN[name].label if name in _KNOWN else shown(name)


def looks_of(names: Iterable[str]) -> dict[str, Look]:
    """The look of each series of a figure.

    Args:
        names: `bilinear`, `frequency_baseline` and so on have fixed looks; a name that goes on
            after one of them by `-`, `/`, a space or a bracket has its colour, with a marker and a
            line of its own if it is not the first of the family; others get free colours.
    """
    looks: dict[str, Look] = {}
    taken: dict[str, int] = {}
    others = itertools.count()
    for name in dict.fromkeys(names):
        family = _family(name)
        if family is None:
            number = next(others)
            color = _FREE_COLORS[number % len(_FREE_COLORS)]
            # Other markers than those of the models first.
            marker = _MARKERS[(number + 5) % len(_MARKERS)]
            looks[name] = Look(label_of(name), color, marker, _DASHES[number % len(_DASHES)])
            continue
        base, number = _KNOWN[family], taken.get(family, 0)
        taken[family] = number + 1
        look = dataclasses.replace(base, label=label_of(name))
        if number:
            start = _MARKERS.index(base.marker) if base.marker in _MARKERS else 0
            marker = _MARKERS[(start + number) % len(_MARKERS)]
            line = _DASHES[(_DASHES.index(base.line) + number) % len(_DASHES)]
            look = dataclasses.replace(look, marker=marker, line=line)
        looks[name] = look
    return looks


def _family(name: str) -> str | None:
    """The known series that a name is of: the longest, since `oracle_user_only` is no `oracle`."""
    families = [
        known
        for known in _KNOWN
        if name == known or name.startswith(tuple(known + c for c in "-/ ("))
    ]
    return max(families, key=len, default=None)
