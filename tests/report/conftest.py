import pytest
from evaluated_runs import write_runs

from tagkeras.report import plotting


@pytest.fixture(scope="session")
def world(tmp_path_factory):
    """A dataset, three runs on it and their evaluations. To be read only."""
    return write_runs(tmp_path_factory.mktemp("world"))


@pytest.fixture
def undrawn(monkeypatch):
    """Figures are made, and not drawn: most of the time of a page of tiny runs."""

    def save(figure, folder, name, description, drawn):
        folder.mkdir(exist_ok=True)
        (folder / f"{name}.png").write_bytes(b"")

    def inline(figure, name, description, drawn):
        return f'<svg role="img" id="{name}"></svg>'

    monkeypatch.setattr(plotting, "draw_svg", lambda figure, name: "")
    monkeypatch.setattr(plotting, "save", save)
    monkeypatch.setattr(plotting, "inline_svg", inline)
