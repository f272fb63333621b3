"""What is done to matplotlib's SVG: words for screen readers, and the colours of a page."""

import re
from xml.etree import ElementTree

from tagkeras.report.figures import palette

_XLINK = "{http://www.w3.org/1999/xlink}"
_NAMESPACE = "http://www.w3.org/2000/svg"
_LONG_NUMBER = re.compile(r"-?\d+\.\d{3,}")
_REFERENCE = re.compile(r"url\(#([^)]+)\)")
_COLOR = re.compile(r"#[0-9a-f]{6}\b")
_FONTS = re.compile(r"'[^']*'(, *('[^']*'|[a-z-]+))*")
# Pixels that an inline figure is at most wide.
_MAX_WIDTH = 560

_PROPERTIES = "\n".join(f"  --figure-{name}: {light};" for light, (name, _) in palette.DARK.items())
_DARK_PROPERTIES = "\n".join(f"  --figure-{name}: {dark};" for name, dark in palette.DARK.values())


def _css() -> str:
    return (
        f":root {{\n{_PROPERTIES}\n}}\n"
        "@media (prefers-color-scheme: dark) {\n"
        f':root:not([data-theme="light"]) {{\n{_DARK_PROPERTIES}\n}}\n}}\n'
        f':root[data-theme="dark"] {{\n{_DARK_PROPERTIES}\n}}\n'
        f"svg.figure {{ display: block; width: 100%; max-width: {_MAX_WIDTH}px; height: auto; }}\n"
    )


CSS = _css()


def standalone(text: str, title: str, description: str) -> str:
    """A file of its own, on white.

    Args:
        text: as matplotlib wrote it.
        title: of the figure.
        description: what it shows.
    """
    root = _parse(text)
    root.set("xmlns", _NAMESPACE)
    root.insert(0, ElementTree.Element("rect", width="100%", height="100%", fill="#ffffff"))
    _describe(root, "figure", title, description)
    for element in root.iter():
        if "style" in element.attrib:
            style = element.get("style", "")
            element.set("style", _FONTS.sub("'DejaVu Sans', Verdana, sans-serif", style))
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + _write(root)


def inline(text: str, name: str, title: str, description: str) -> str:
    """An element of an HTML page.

    Args:
        text: as matplotlib wrote it.
        name: what its ids begin with.
        title: of the figure.
        description: what it shows.
    """
    root = _parse(text)
    for attribute in ("width", "height", "version"):
        root.attrib.pop(attribute, None)
    root.set("class", "figure")
    for element in root.iter():
        _prefix_ids(element, name)
        if "style" in element.attrib:
            element.set("style", _themed(element.get("style", "")))
    _describe(root, name, title, description)
    return _write(root)


def _parse(text: str) -> ElementTree.Element:
    """The SVG without namespaces, metadata, a style sheet and needless digits."""
    root = ElementTree.fromstring(text)
    for element in root.iter():
        element.tag = element.tag.rpartition("}")[2]
        for attribute in list(element.attrib):
            if "}" in attribute:
                value = element.attrib.pop(attribute)
                if attribute == f"{_XLINK}href":
                    element.set("href", value)
        if element.tag not in ("text", "tspan"):
            element.text = None
        element.tail = None
        for attribute in ("d", "x", "y"):
            if attribute in element.attrib:
                element.set(attribute, _LONG_NUMBER.sub(_round, element.get(attribute, "")))
    for parent in list(root.iter()):
        for child in list(parent):
            # The style sheet is of `*`: in a page it would be for all of it.
            if child.tag in ("metadata", "style"):
                parent.remove(child)
        _share_style(parent)
    root.set("style", "stroke-linejoin: round; stroke-linecap: butt")
    return root


def _share_style(parent: ElementTree.Element) -> None:
    """Gives a group the style that all its points have: thousands of users take half the bytes."""
    styles = {child.get("style") for child in parent}
    if len(parent) < 2 or len(styles) > 1 or any(child.tag != "use" for child in parent):
        return
    style = styles.pop()
    if style is not None and "style" not in parent.attrib:
        parent.set("style", style)
        for child in parent:
            del child.attrib["style"]


def _round(match: re.Match[str]) -> str:
    return f"{float(match[0]):.2f}".rstrip("0").rstrip(".")


def _prefix_ids(element: ElementTree.Element, name: str) -> None:
    for attribute, value in list(element.attrib.items()):
        if attribute == "id":
            element.set("id", f"{name}-{value}")
        elif attribute == "href" and value.startswith("#"):
            element.set("href", f"#{name}-{value[1:]}")
        elif "url(#" in value:
            element.set(attribute, _REFERENCE.sub(rf"url(#{name}-\1)", value))


def _themed(style: str) -> str:
    """A style attribute in the colours and the font of the page."""
    style = _COLOR.sub(_variable, style)
    return _FONTS.sub("var(--figure-font, system-ui, sans-serif)", style)


def _variable(match: re.Match[str]) -> str:
    color = match[0]
    if color == palette.INK:
        return "currentColor"
    if color not in palette.DARK:
        return color
    return f"var(--figure-{palette.DARK[color][0]}, {color})"


def _describe(root: ElementTree.Element, name: str, title: str, description: str) -> None:
    """Adds what screen readers say."""
    root.set("role", "img")
    root.set("aria-labelledby", f"{name}-title {name}-desc")
    for place, (tag, text) in enumerate((("title", title), ("desc", description))):
        element = ElementTree.Element(tag, id=f"{name}-{tag}")
        element.text = " ".join(text.split())
        root.insert(place, element)


def _write(root: ElementTree.Element) -> str:
    return ElementTree.tostring(root, encoding="unicode") + "\n"
