from xml.etree import ElementTree

import pytest
from evaluated_runs import write_runs
from markupsafe import Markup

from tagkeras.report.svg import FigureFiles


@pytest.fixture(scope="session")
def world(tmp_path_factory):
    """A dataset, three runs on it and their evaluations. To be read only."""
    return write_runs(tmp_path_factory.mktemp("world"))


@pytest.fixture
def undrawn(monkeypatch):
    """Figures are made, and not drawn: most of the time of a page of tiny runs."""

    def add(self, figure, name):
        (self._folder / f"{name}.png").write_bytes(b"")
        return Markup(f'<svg role="img" id="{name}"></svg>')

    monkeypatch.setattr(FigureFiles, "add", add)


@pytest.fixture
def texts_of(tmp_path):
    """The texts of a figure, in the order of drawing, read from its SVG."""

    def read(figure):
        svg = FigureFiles(tmp_path).add(figure, "figure")
        return [element.text for element in ElementTree.fromstring(svg).iter("text")]

    return read
