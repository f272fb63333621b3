"""The head of a figure: its title, the legend and a note, above everything that is drawn."""

import textwrap
from collections.abc import Sequence

import numpy as np
from matplotlib.artist import Artist
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from tagkeras.report.figures import palette
from tagkeras.report.figures.looks import Look
from tagkeras.report.figures.text import shown

# Points. Widths are of the font that matplotlib brings, which is wider than most on a page.
_TITLE_SIZE, _TITLE_LINE, _TITLE_CHARACTERS = 12, 16.5, 44
_NOTE_SIZE, _NOTE_LINE, _NOTE_CHARACTERS = 10, 13.5, 58
_LEGEND_LINE, _LEGEND_CHARACTER, _LINE_HANDLE, _DOT_HANDLE = 15.2, 6.1, 41, 29
_MARGIN, _GAP = 4.0, 4.0
_POINTS_PER_INCH = 72


def set_head(
    figure: Figure, title: str, handles: Sequence[Artist] = (), note: str | None = None
) -> None:
    """Puts title, legend and note, from top to bottom, above the figure, which grows by them.

    Args:
        figure: of `plotting.new_figure`.
        title: broken into lines where it is long.
        handles: of the legend, with labels; none for no legend.
        note: what a reader has to know, in small.
    """
    width, body = (_POINTS_PER_INCH * inches for inches in figure.get_size_inches())
    title_lines = textwrap.wrap(shown(title, 200), _TITLE_CHARACTERS)
    note_lines = textwrap.wrap(note, _NOTE_CHARACTERS) if note else []
    columns = _legend_columns(handles, width)
    legend_rows = -(-len(handles) // columns)
    parts = (
        len(title_lines) * _TITLE_LINE,
        legend_rows * _LEGEND_LINE,
        len(note_lines) * _NOTE_LINE,
    )
    height = body + _MARGIN + sum(part + _GAP for part in parts if part)
    figure.set_size_inches(width / _POINTS_PER_INCH, height / _POINTS_PER_INCH)
    left, top = _MARGIN / width, height - _MARGIN
    suptitle = figure.suptitle(
        "\n".join(title_lines),
        x=left,
        y=top / height,
        ha="left",
        va="top",
        fontsize=_TITLE_SIZE,
        fontweight="bold",
        linespacing=1.2,
    )
    suptitle.set_in_layout(False)
    top -= parts[0] + _GAP
    if handles:
        legend = figure.legend(
            handles=list(handles),
            loc="upper left",
            bbox_to_anchor=(left, top / height),
            ncols=columns,
            handlelength=2.2 if any(_has_line(handle) for handle in handles) else 1.0,
            borderpad=0,
            borderaxespad=0,
        )
        legend.set_in_layout(False)
        top -= parts[1] + _GAP
    if note_lines:
        text = figure.text(
            left,
            top / height,
            "\n".join(note_lines),
            va="top",
            color=palette.MUTED,
            fontsize=_NOTE_SIZE,
            linespacing=1.2,
        )
        text.set_in_layout(False)
        top -= parts[2] + _GAP
    figure.set_layout_engine("constrained", rect=(0, 0, 1, top / height))


def legend_handles(looks: Sequence[Look], *, with_lines: bool = False) -> list[Artist]:
    """What stands for each series in the legend: its marker, on its line if it has one."""
    return [
        Line2D(
            [],
            [],
            linestyle=look.line if with_lines else "none",
            label=look.label,
            **look.marker_style,
        )
        for look in looks
    ]


def _has_line(handle: Artist) -> bool:
    return isinstance(handle, Line2D) and handle.get_linestyle() != "None"


def _legend_columns(handles: Sequence[Artist], width: float) -> int:
    """As many columns as fit beside each other."""
    handle_width = _LINE_HANDLE if any(_has_line(handle) for handle in handles) else _DOT_HANDLE
    lengths = np.array([len(str(handle.get_label())) for handle in handles])
    for columns in range(len(handles), 1, -1):
        # Legends fill a column before they begin the next; the first ones are the longer ones.
        longest = [column.max() for column in np.array_split(lengths, columns)]
        if sum(handle_width + _LEGEND_CHARACTER * length for length in longest) <= width:
            return columns
    return 1
