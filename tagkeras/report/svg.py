"""Figures as files beside the page, and as SVG in the colours and fonts of the page."""

import io
import re
import warnings
from pathlib import Path
from xml.etree import ElementTree

import matplotlib as mpl
from markupsafe import Markup
from matplotlib.figure import Figure

from tagkeras.cli import files
from tagkeras.report.style import DARK, INK, figure_style

_HREF = "{http://www.w3.org/1999/xlink}href"
_LONG_NUMBER = re.compile(r"-?\d+\.\d{3,}")
_REFERENCE = re.compile(r"url\(#([^)]+)\)")
_COLOR = re.compile(r"#[0-9a-f]{6}\b")
_FONTS = re.compile(r"'[^']*'(, *('[^']*'|[a-z-]+))*")


class FigureFiles:
    """Writes `NAME.png` (200 dpi) and `NAME.svg` of each figure of a page, on white."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._names: set[str] = set()

    def add(self, figure: Figure, name: str) -> Markup:
        """Writes the files of a figure, and gives an `<svg>` for the page, whose ids have its name.

        The same figure gives the same files and element.

        Raises:
            ValueError: the name is not of letters, digits, `-` and `_`, or another figure has it.
        """
        if not re.fullmatch(r"[A-Za-z][A-Za-z0-9_-]*", name) or name in self._names:
            raise ValueError(f"figures need different names of letters and digits, got {name!r}")
        self._names.add(name)
        text = io.StringIO()
        with figure_style(), warnings.catch_warnings():
            # Characters that no font here has become boxes.
            warnings.filterwarnings("ignore", r"Glyph .* missing from")
            mpl.rcParams["svg.hashsalt"] = name  # instead of random ids
            figure.savefig(text, format="svg", metadata={"Date": None})
            figure.set_layout_engine("none")  # the same layout for the next file
            with files.written_aside(self._folder / f"{name}.png") as aside:
                figure.savefig(aside, format="png", metadata={"Software": None})
        files.write_text(self._folder / f"{name}.svg", text.getvalue())
        # matplotlib escapes what users wrote.
        return Markup(inline_svg(text.getvalue(), name, label=figure.get_suptitle()))


def page_css() -> str:
    """Rules for dark pages; on light ones, figures have their own colours."""
    dark = "\n".join(f"  {_property(color)}: {value};" for color, value in DARK.items())
    return (
        "@media (prefers-color-scheme: dark) {\n"
        f':root:not([data-theme="light"]) {{\n{dark}\n}}\n}}\n'
        f':root[data-theme="dark"] {{\n{dark}\n}}\n'
    )


def inline_svg(text: str, name: str, label: str) -> str:
    """Makes an element of a page from matplotlib's SVG; `label` is what screen readers say."""
    root = ElementTree.fromstring(text)
    for element in root.iter():
        element.tag = element.tag.rpartition("}")[2]
        if element.tag not in ("text", "tspan"):
            element.text = None
        element.tail = None
        if href := element.attrib.pop(_HREF, None):
            element.set("href", href)
        for attribute, value in element.attrib.items():
            if attribute == "id":
                value = f"{name}-{value}"
            elif attribute == "href" and value.startswith("#"):
                value = f"#{name}-{value[1:]}"
            elif attribute == "style":
                value = _FONTS.sub("var(--font)", _COLOR.sub(_themed, value))
            elif attribute in ("d", "x", "y"):
                value = _LONG_NUMBER.sub(lambda found: f"{float(found[0]):.2f}", value)
            element.set(attribute, _REFERENCE.sub(rf"url(#{name}-\1)", value))
    for element in list(root.iter()):
        # The style sheet is for `*`, which would be all of the page.
        for child in [child for child in element if child.tag in ("metadata", "style")]:
            element.remove(child)
        # The style that all points of a group have is written once: half as many bytes.
        styles = {child.get("style") for child in element if child.tag == "use"}
        if len(styles) == 1 and len(element.findall("use")) == len(element) and None not in styles:
            element.set("style", styles.pop() or "")
            for child in element:
                del child.attrib["style"]
    for attribute in ("width", "height", "version"):
        del root.attrib[attribute]
    style = "stroke-linejoin: round; stroke-linecap: butt"
    root.attrib |= {"class": "figure", "role": "img", "aria-label": label, "style": style}
    return ElementTree.tostring(root, encoding="unicode") + "\n"


def _themed(match: re.Match[str]) -> str:
    """A colour as the page has it: its background is that of the page."""
    color = match[0]
    special = {INK: "currentColor", "#ffffff": "none"}
    return special.get(color) or (f"var({_property(color)}, {color})" if color in DARK else color)


def _property(color: str) -> str:
    """The CSS custom property of a colour."""
    return f"--c{color[1:]}"
