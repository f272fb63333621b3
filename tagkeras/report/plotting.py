"""The style of all figures, and how they are saved or put into a page."""

import contextlib
import functools
import io
import re
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, ParamSpec

import matplotlib as mpl
from matplotlib import font_manager
from matplotlib.figure import Figure

from tagkeras.cli import files
from tagkeras.report.figures import palette, svg

Arguments = ParamSpec("Arguments")

# Inches. A phone shows them 5 inches wide as a page of 360 pixels: 10 points are then 9.6 pixels.
WIDTH = 5.2
_PNG_DPI = 200

FIGURE_CSS = svg.CSS

# After the first, fonts that have what it lacks, where the machine has them.
_FONTS = ("DejaVu Sans", "Noto Sans Arabic", "Noto Sans CJK JP", "Noto Sans Devanagari", "Unifont")

STYLE: dict[str, Any] = {
    "axes.axisbelow": True,
    "axes.edgecolor": palette.MUTED,
    "axes.facecolor": "none",
    "axes.grid": True,
    "axes.labelcolor": palette.INK,
    "axes.labelsize": 10,
    "axes.linewidth": 0.8,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlelocation": "left",
    "axes.titlesize": 10.5,
    "axes.titleweight": "bold",
    "axes.titlecolor": palette.INK,
    "axes.unicode_minus": True,
    "figure.constrained_layout.h_pad": 0.08,
    "figure.constrained_layout.w_pad": 0.06,
    "figure.dpi": 72,
    "figure.facecolor": "none",
    "font.size": 10,
    "grid.color": palette.GRID,
    "grid.linewidth": 0.8,
    "hatch.linewidth": 0.8,
    "legend.borderaxespad": 0.2,
    "legend.columnspacing": 1.4,
    "legend.fontsize": 10,
    "legend.frameon": False,
    "legend.handlelength": 2.2,
    "legend.handletextpad": 0.5,
    "lines.linewidth": 1.8,
    "lines.solid_capstyle": "round",
    "savefig.dpi": _PNG_DPI,
    "savefig.facecolor": "none",
    "svg.fonttype": "none",
    "text.color": palette.INK,
    # Hashtags may hold dollar signs.
    "text.parse_math": False,
    "text.usetex": False,
    "xtick.color": palette.MUTED,
    "xtick.labelcolor": palette.INK,
    "xtick.labelsize": 10,
    "ytick.color": palette.MUTED,
    "ytick.labelcolor": palette.INK,
    "ytick.labelsize": 10,
}


def styled(draw: Callable[Arguments, Figure]) -> Callable[Arguments, Figure]:
    """Makes a function draw in the style of all figures, whatever the user's matplotlibrc says."""

    @functools.wraps(draw)
    def wrapper(*args: Arguments.args, **kwargs: Arguments.kwargs) -> Figure:
        with _style():
            return draw(*args, **kwargs)

    return wrapper


def new_figure(height: float, width: float = WIDTH) -> Figure:
    """An empty figure whose parts make room for each other.

    Args:
        height: in inches.
        width: in inches.
    """
    return Figure(figsize=(width, height), layout="constrained")


def save(
    figure: Figure, folder: Path, name: str, description: str, drawn: str | None = None
) -> Path:
    """Writes `name.png` (200 dpi, on white) and `name.svg` (on white, its text as text).

    Each file appears in one step, and the same figure gives the same bytes.

    Args:
        figure: of a function of `tagkeras.report.figures`.
        folder: that gets the files; it is made if need be.
        name: of the files, without a suffix.
        description: what the figure shows, for those who do not see it.
        drawn: what `draw_svg` gives for it; it is drawn if None.

    Returns:
        The path of the PNG.
    """
    path = folder / f"{name}.png"
    metadata = {"Software": None, "Title": figure.get_suptitle(), "Description": description}
    with files.written_aside(path) as aside:
        _print(figure, aside, format="png", dpi=_PNG_DPI, facecolor="white", metadata=metadata)
    text = svg.standalone(drawn or draw_svg(figure, name), figure.get_suptitle(), description)
    files.write_text(folder / f"{name}.svg", text)
    return path


def inline_svg(figure: Figure, name: str, description: str, drawn: str | None = None) -> str:
    """The figure as an `<svg>` element of an HTML page, in the page's own colours and fonts.

    Text and axes have the text colour of the page; other colours are custom properties that
    `FIGURE_CSS` sets for light and dark pages. The same figure gives the same text.

    Args:
        figure: of a function of `tagkeras.report.figures`.
        name: letters, digits, `-` and `_`; what every id in it starts with, so that several
            figures of different names fit into one page.
        description: what the figure shows, for those who do not see it.
        drawn: what `draw_svg` gives for it; it is drawn if None.

    Raises:
        ValueError: the name has other characters.
    """
    if not re.fullmatch(r"[A-Za-z][A-Za-z0-9_-]*", name):
        raise ValueError(f"a name in a page has letters, digits, - and _, received {name!r}")
    return svg.inline(drawn or draw_svg(figure, name), name, figure.get_suptitle(), description)


def draw_svg(figure: Figure, name: str) -> str:
    """The figure as matplotlib writes it, without the date and with ids that stay the same.

    Drawing takes most of the time: who wants a figure in several forms draws it once.
    """
    text = io.StringIO()
    with mpl.rc_context({"svg.hashsalt": name}):
        _print(figure, text, format="svg", dpi=_PNG_DPI, metadata={"Date": None})
    return text.getvalue()


def _print(figure: Figure, target: Any, **kwargs: Any) -> None:
    """Saves a figure. Characters that no font here has become boxes, which is no news."""
    with _style(), warnings.catch_warnings():
        warnings.filterwarnings("ignore", r"Glyph .* missing from")
        figure.savefig(target, **kwargs)


@contextlib.contextmanager
def _style() -> Iterator[None]:
    """Sets the style, and puts back what was set before."""
    with mpl.rc_context():
        salt = mpl.rcParams["svg.hashsalt"]
        mpl.rcdefaults()
        style: Any = {**STYLE, "font.family": _fonts(), "svg.hashsalt": salt}
        mpl.rcParams.update(style)
        yield


@functools.cache
def _fonts() -> list[str]:
    """The fonts of `_FONTS` that this machine has; the first comes with matplotlib."""
    installed = {font.name for font in font_manager.fontManager.ttflist}
    return [font for font in _FONTS if font in installed]
