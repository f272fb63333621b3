"""The style of all figures: colours, fonts, and how each model is drawn.

Data colours are those of Okabe and Ito, which people with any colour vision tell apart, darkened a
little where they are too pale for lines on white.

References:
    Okabe and Ito, "Color Universal Design" (2008), https://jfly.uni-koeln.de/color/
"""

import contextlib
import dataclasses
import functools
from collections.abc import Iterable, Iterator
from typing import Any

import matplotlib as mpl
from matplotlib import font_manager

from tagkeras.report.formats import shorten

INK, SURFACE, MUTED, GRID = "#1d1f23", "#fefefe", "#5b6069", "#dfe2e6"
BLUE, VERMILION, GREEN, PURPLE = "#0072b2", "#d55e00", "#009e73", "#b5588f"
ORANGE, SKY, OLIVE, BROWN = "#d18f00", "#3fa0dc", "#8a8a00", "#8f5b34"
BASELINE, ORACLE, UNKNOWN = "#7d838d", "#474c54", "#a6abb3"

# From young to old: hue and lightness change together, and every step stands out from white and
# from black, since points of large maps are pixels, which do not change with the theme of the page.
SEQUENCE = ("#4a5fc0", "#7a5fc0", "#a85cae", "#c95a8c", "#dc6a68", "#dc8a3c", "#cfa92a")

# What each colour becomes on a dark page. INK becomes the text colour of the page.
DARK = {
    SURFACE: "#15171a",
    MUTED: "#a9b0ba",
    GRID: "#3a3f47",
    BLUE: "#4fabe8",
    VERMILION: "#f28a3c",
    GREEN: "#35c49a",
    PURPLE: "#df92c0",
    ORANGE: "#f0b840",
    SKY: "#8fd0f7",
    OLIVE: "#d4d46a",
    BROWN: "#c99a72",
    BASELINE: "#9aa1ac",
    ORACLE: "#cdd2d9",
    UNKNOWN: "#5a616b",
}

# The first comes with matplotlib; the others have characters that it lacks.
_FONTS = ("DejaVu Sans", "Noto Sans Arabic", "Noto Sans CJK JP", "Noto Sans Devanagari", "Unifont")
_RC: Any = {
    "axes.edgecolor": MUTED,
    "axes.facecolor": "none",
    "axes.grid": True,
    "axes.labelcolor": INK,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlecolor": INK,
    "axes.titlelocation": "left",
    "axes.titlesize": 10.5,
    "axes.titleweight": "bold",
    "figure.constrained_layout.h_pad": 0.08,
    "figure.constrained_layout.w_pad": 0.06,
    "grid.color": GRID,
    "legend.borderaxespad": 0,
    "legend.borderpad": 0,
    "legend.columnspacing": 1.4,
    "legend.fontsize": 10,
    "legend.frameon": False,
    "legend.handletextpad": 0.5,
    "lines.linewidth": 1.8,
    "savefig.dpi": 200,
    "savefig.facecolor": "white",
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
    """Sets the style, whatever the user's matplotlibrc says; also a decorator of functions."""
    with mpl.rc_context():
        mpl.rcdefaults()
        mpl.rcParams.update(_RC)
        mpl.rcParams["font.family"] = _installed_fonts()
        yield


@functools.cache
def _installed_fonts() -> list[str]:
    installed = {font.name for font in font_manager.fontManager.ttflist}
    return [font for font in _FONTS if font in installed]


@dataclasses.dataclass(frozen=True)
class SeriesStyle:
    """How a series is drawn. Colour never stands alone: marker and line tell series apart too."""

    label: str
    color: str
    marker: str
    line: Any

    @property
    def markers(self) -> dict[str, Any]:
        """Arguments of `Axes.plot` for the markers; those of baselines are not filled."""
        is_filled = self.color != BASELINE
        return {
            "marker": self.marker,
            "color": self.color,
            "markerfacecolor": self.color if is_filled else SURFACE,
            "markeredgecolor": SURFACE if is_filled else self.color,
            "markeredgewidth": 0.7 if is_filled else 1.4,
            "markersize": 9.5 if self.marker == "*" else 7,
        }


_LINES: tuple[Any, ...] = ("-", (0, (5, 1.6)), (0, (1.4, 1.4)), (0, (6, 1.5, 1.4, 1.5)))
_MARKERS = ("o", "s", "D", "^", "v", "P", "X", "*", "<", ">")
_KNOWN = {
    "bilinear": SeriesStyle("bilinear", GREEN, "s", _LINES[2]),
    "user_biased": SeriesStyle("user-biased", BLUE, "^", _LINES[1]),
    "multiplicative": SeriesStyle("multiplicative", VERMILION, "o", _LINES[0]),
    "frequency_baseline": SeriesStyle("frequency baseline", BASELINE, "s", _LINES[2]),
    "demographic_baseline": SeriesStyle("demographic baseline", BASELINE, "D", _LINES[3]),
    "neighbour_baseline": SeriesStyle("neighbour baseline", BASELINE, "^", _LINES[1]),
    "oracle": SeriesStyle("oracle", ORACLE, "*", _LINES[0]),
    "oracle_image_only": SeriesStyle("oracle image only", ORACLE, "<", _LINES[2]),
    "oracle_user_only": SeriesStyle("oracle user only", ORACLE, ">", _LINES[1]),
    "natural": SeriesStyle("natural", BLUE, "o", _LINES[0]),
    "balanced": SeriesStyle("balanced", VERMILION, "s", _LINES[1]),
}


def label_of(name: str) -> str:
    """The label of a series: `user-biased` for `user_biased`; of unknown ones, the name."""
    return _KNOWN[name].label if name in _KNOWN else shorten(name)


def series_styles(names: Iterable[str]) -> dict[str, SeriesStyle]:
    """The style of each series of a figure, the same for a model in every figure.

    `bilinear`, `frequency_baseline` and so on have fixed styles. A name that begins with one of
    them, such as `bilinear-d64`, has its colour; the second such name of a figure has another
    marker and line than the first. Unknown names are purple.
    """
    styles: dict[str, SeriesStyle] = {}
    used: dict[str, int] = {}
    for name in dict.fromkeys(names):
        base = max((known for known in _KNOWN if name.startswith(known)), key=len, default="")
        first = _KNOWN.get(base, SeriesStyle("", PURPLE, "v", _LINES[0]))
        number = used[base] = used.get(base, -1) + 1
        styles[name] = SeriesStyle(
            label_of(name),
            first.color,
            _MARKERS[(_MARKERS.index(first.marker) + number) % len(_MARKERS)],
            _LINES[(_LINES.index(first.line) + number) % len(_LINES)],
        )
    return styles
