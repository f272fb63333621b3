"""The style of all figures: colours, fonts, and how each model is drawn.

Data colours are those of Okabe and Ito, which people with any colour vision tell apart, darkened a
little where they are too pale for lines on white.

References:
    Okabe and Ito, "Color Universal Design" (2008), https://jfly.uni-koeln.de/color/
"""

import contextlib
import dataclasses
import functools
import itertools
from collections.abc import Iterable, Iterator
from typing import Any

import matplotlib as mpl
from matplotlib import font_manager

from tagkeras.report.formats import shorten

INK = "#1d1f23"
MUTED = "#5b6069"
GRID = "#dfe2e6"
SURFACE = "#fefefe"

BLUE = "#0072b2"
VERMILION = "#d55e00"
GREEN = "#009e73"
PURPLE = "#b5588f"
ORANGE = "#d18f00"
SKY = "#3fa0dc"
OLIVE = "#8a8a00"
BROWN = "#8f5b34"

BASELINE = "#7d838d"
ORACLE = "#474c54"
UNKNOWN = "#a6abb3"

# From young to old: hue and lightness change together, and every step stands out from white and
# from black, since points of large maps are pixels, which do not change with the theme of the page.
SEQUENCE = ("#4a5fc0", "#8a5fbe", "#c25a9a", "#dc6a68", "#dc8a3c", "#cfa92a")

# CSS custom property of each colour, and its value on a dark page. INK has none: it is the text
# colour of the page.
DARK = {
    MUTED: ("muted", "#a9b0ba"),
    GRID: ("grid", "#3a3f47"),
    SURFACE: ("surface", "#15171a"),
    BLUE: ("blue", "#4fabe8"),
    VERMILION: ("vermilion", "#f28a3c"),
    GREEN: ("green", "#35c49a"),
    PURPLE: ("purple", "#df92c0"),
    ORANGE: ("orange", "#f0b840"),
    SKY: ("sky", "#8fd0f7"),
    OLIVE: ("olive", "#d4d46a"),
    BROWN: ("brown", "#c99a72"),
    BASELINE: ("baseline", "#9aa1ac"),
    ORACLE: ("oracle", "#cdd2d9"),
    UNKNOWN: ("unknown", "#5a616b"),
}

# The first comes with matplotlib; the others have characters that it lacks.
_FONTS = ("DejaVu Sans", "Noto Sans Arabic", "Noto Sans CJK JP", "Noto Sans Devanagari", "Unifont")
_RC: dict[str, Any] = {
    "axes.axisbelow": True,
    "axes.edgecolor": MUTED,
    "axes.facecolor": "none",
    "axes.grid": True,
    "axes.labelcolor": INK,
    "axes.labelsize": 10,
    "axes.linewidth": 0.8,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlelocation": "left",
    "axes.titlesize": 10.5,
    "axes.titleweight": "bold",
    "axes.titlecolor": INK,
    "figure.constrained_layout.h_pad": 0.08,
    "figure.constrained_layout.w_pad": 0.06,
    "figure.dpi": 72,
    "figure.facecolor": "none",
    "font.size": 10,
    "grid.color": GRID,
    "grid.linewidth": 0.8,
    "legend.borderaxespad": 0,
    "legend.borderpad": 0,
    "legend.columnspacing": 1.4,
    "legend.fontsize": 10,
    "legend.frameon": False,
    "legend.handletextpad": 0.5,
    "lines.linewidth": 1.8,
    "lines.solid_capstyle": "round",
    "savefig.facecolor": "none",
    "svg.fonttype": "none",
    "text.color": INK,
    "text.parse_math": False,  # hashtags may hold dollar signs
    "xtick.color": MUTED,
    "xtick.labelcolor": INK,
    "ytick.color": MUTED,
    "ytick.labelcolor": INK,
}


@contextlib.contextmanager
def figure_style() -> Iterator[None]:
    """Sets the style, whatever the user's matplotlibrc says, and restores the settings at the end.

    It is a decorator of drawing functions as well.
    """
    with mpl.rc_context():
        mpl.rcdefaults()
        mpl.rcParams.update({**_RC, "font.family": _installed_fonts()})
        yield


@functools.cache
def _installed_fonts() -> list[str]:
    installed = {font.name for font in font_manager.fontManager.ttflist}
    return [font for font in _FONTS if font in installed]


@dataclasses.dataclass(frozen=True)
class SeriesStyle:
    """How a series is drawn. Colour never stands alone: marker and line tell series apart too.

    Attributes:
        label: of the series in legends and tables.
        color: one of this module.
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
    def markers(self) -> dict[str, Any]:
        """Arguments of `Axes.plot` for the markers."""
        return {
            "marker": self.marker,
            "color": self.color,
            "markerfacecolor": self.color if self.is_filled else SURFACE,
            "markeredgecolor": SURFACE if self.is_filled else self.color,
            "markeredgewidth": 0.7 if self.is_filled else 1.4,
            "markersize": 9.5 if self.marker == "*" else 7,
        }


_LINES: tuple[Any, ...] = ("-", (0, (5, 1.6)), (0, (1.4, 1.4)), (0, (6, 1.5, 1.4, 1.5)))
_MARKERS = ("o", "s", "D", "^", "v", "P", "X", "*")
_KNOWN = {
    "bilinear": SeriesStyle("bilinear", GREEN, "s", _LINES[2]),
    "user_biased": SeriesStyle("user-biased", BLUE, "^", _LINES[1]),
    "multiplicative": SeriesStyle("multiplicative", VERMILION, "o", _LINES[0]),
    "frequency_baseline": SeriesStyle("frequency baseline", BASELINE, "s", _LINES[2], False),
    "demographic_baseline": SeriesStyle("demographic baseline", BASELINE, "D", _LINES[3], False),
    "neighbour_baseline": SeriesStyle("neighbour baseline", BASELINE, "^", _LINES[1], False),
    "oracle": SeriesStyle("oracle", ORACLE, "*", _LINES[0]),
    "oracle_image_only": SeriesStyle("oracle image only", ORACLE, "<", _LINES[2]),
    "oracle_user_only": SeriesStyle("oracle user only", ORACLE, ">", _LINES[1]),
}
_FREE_COLORS = (PURPLE, ORANGE, SKY, OLIVE, INK)


def label_of(name: str) -> str:
    """The label of a series: `user-biased` for `user_biased`; of unknown ones, the name."""
    return _KNOWN[name].label if name in _KNOWN else shorten(name)


def series_styles(names: Iterable[str]) -> dict[str, SeriesStyle]:
    """The style of each series of a figure: the same for a model in every figure.

    Args:
        names: `bilinear`, `frequency_baseline` and so on have fixed styles. A name that continues
            one of them after `-`, `/`, a space or a bracket has its colour, but another marker and
            line than the first of that colour. Other names get free colours.
    """
    styles: dict[str, SeriesStyle] = {}
    used = dict.fromkeys(_KNOWN, 0)
    free = itertools.count()
    for name in dict.fromkeys(names):
        base = _known_name(name)
        if base is None:
            number = next(free)
            color = _FREE_COLORS[number % len(_FREE_COLORS)]
            # Not the markers of the models, as long as there are others.
            marker = _MARKERS[(number + 5) % len(_MARKERS)]
            styles[name] = SeriesStyle(label_of(name), color, marker, _LINES[number % len(_LINES)])
            continue
        style, number = _KNOWN[base], used[base]
        used[base] += 1
        if number:
            first = _MARKERS.index(style.marker) if style.marker in _MARKERS else 0
            style = dataclasses.replace(
                style,
                marker=_MARKERS[(first + number) % len(_MARKERS)],
                line=_LINES[(_LINES.index(style.line) + number) % len(_LINES)],
            )
        styles[name] = dataclasses.replace(style, label=label_of(name))
    return styles


def _known_name(name: str) -> str | None:
    """The longest known name that this one is or continues."""
    return max(
        (k for k in _KNOWN if name == k or name.startswith(tuple(k + mark for mark in "-/ ("))),
        key=len,
        default=None,
    )
