"""Figures twice: as files beside the page, and as SVG within it."""

import dataclasses
from pathlib import Path

from markupsafe import Markup
from matplotlib.figure import Figure

from tagkeras.report import plotting


@dataclasses.dataclass(frozen=True)
class PageFigure:
    """A figure of the page.

    Attributes:
        svg: the element, safe to put into the page.
        caption: what to read off it.
        name: of its files.
    """

    svg: Markup
    caption: str
    name: str


class FigureFiles:
    """Writes the figures of a page.

    Args:
        folder: that gets `NAME.png` and `NAME.svg` of each.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.names: list[str] = []

    def add(self, figure: Figure, name: str, *, shows: str, caption: str) -> PageFigure:
        """Writes a figure and gives the page's copy.

        Args:
            figure: to add.
            name: letters, digits, `-` and `_`; once in a page.
            shows: what it shows, for those who do not see it.
            caption: what to read off it.
        """
        if name in self.names:
            raise ValueError(f"a figure {name!r} is in the page already")
        self.names.append(name)
        drawn = plotting.draw_svg(figure, name)
        figure.set_layout_engine("none")  # its parts have made room for each other by now
        plotting.save(figure, self._folder, name, shows, drawn)
        # matplotlib and not a user writes it, and escapes the hashtags in it.
        svg = Markup(plotting.inline_svg(figure, name, shows, drawn))
        return PageFigure(svg, caption, name)
