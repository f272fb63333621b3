"""A page of the report, taken apart."""

import html.parser
import re

# Elements without an end tag.
VOID = {"area", "base", "br", "col", "hr", "img", "input", "link", "meta", "source", "wbr"}
# Of SVG, written as <path/>.
EMPTY = {"use", "path", "rect", "circle", "line"}


class ParsedPage(html.parser.HTMLParser):
    """What a page has: ids, links, tables, text, and elements that do not nest.

    Args:
        text: of the page.
    """

    def __init__(self, text):
        super().__init__()
        self.source = text
        self.ids, self.links, self.elements = [], [], []
        self.scripts, self.images, self.cells = [], [], []
        self.text = ""
        self._open = []
        self.feed(text)
        self.close()
        assert not self._open, f"never closed: {self._open}"

    def handle_starttag(self, tag, attrs):
        attributes = dict(attrs)
        assert len(attributes) == len(attrs), f"<{tag}> has an attribute twice: {attrs}"
        self.elements.append((tag, attributes))
        if "id" in attributes:
            self.ids.append(attributes["id"])
        self.links += [attributes[name] for name in ("href", "src") if name in attributes]
        if "data-metric" in attributes:
            self.cells.append((attributes["data-metric"], float(attributes["data-value"])))
        if tag not in VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.handle_endtag(tag)

    def handle_endtag(self, tag):
        assert self._open, f"</{tag}> closes nothing"
        assert self._open[-1] == tag, f"</{tag}> closes <{self._open[-1]}>"
        self._open.pop()

    def handle_data(self, data):
        if self._open and self._open[-1] == "script":
            self.scripts.append(data)
        elif not self._open or self._open[-1] != "style":
            self.text += data

    @property
    def words(self):
        """The text with single spaces."""
        return re.sub(r"\s+", " ", self.text)

    def count(self, tag, **attributes):
        return sum(
            name == tag and attributes.items() <= found.items() for name, found in self.elements
        )
