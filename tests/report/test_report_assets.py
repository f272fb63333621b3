from importlib import resources
from pathlib import Path

import jinja2
import pytest
from setuptools import find_packages
from setuptools.command.build_py import build_py
from setuptools.dist import Distribution

from tagkeras.report import formats
from tagkeras.report.page import make_environment, read_asset


def test_every_template_compiles():
    environment = make_environment()
    names = environment.list_templates(extensions=["html"])
    assert {"page.html", "macros.html", "sections/results.html"} <= set(names)
    for name in names:
        environment.get_template(name)


def test_assets_ship_with_the_package(monkeypatch):
    """What setup.py says is package data has all the templates."""
    monkeypatch.chdir(Path(__file__).parents[2])
    text = Path("setup.py").read_text()
    data = text[text.index("package_data=") + len("package_data=") :]
    patterns = eval(data[: data.index("}") + 1])
    packages = find_packages(include=["tagkeras.report*"])
    assert {f"tagkeras.report.{name}" for name in ("figures", "sections")} < set(packages)
    distribution = Distribution(
        {"packages": find_packages(include=["tagkeras.report"]), "package_data": patterns}
    )
    command = build_py(distribution)
    command.ensure_finalized()
    ((_, _, _, found),) = command._get_data_files()
    folder = resources.files("tagkeras.report") / "templates"
    here = [path for path in Path(str(folder)).rglob("*") if path.is_file()]
    assert {f"templates/{path.relative_to(str(folder))}" for path in here} == set(found)
    assert read_asset("style.css")


def test_hostile_text_is_escaped():
    template = make_environment().from_string(
        '{% from "macros.html" import tag %}{{ tag(hashtag) }}<a title="{{ hashtag }}">'
    )
    hashtag = "\"'><script>&"
    assert template.render(hashtag=hashtag) == (
        '<bdi class="tag">#&#34;&#39;&gt;&lt;script&gt;&amp;</bdi>'
        '<a title="&#34;&#39;&gt;&lt;script&gt;&amp;">'
    )


def test_a_name_that_is_missing_is_an_error():
    with pytest.raises(jinja2.UndefinedError):
        make_environment().from_string("{{ absent }}").render()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (formats.percent(0.3612), "36.1%"),
        (formats.number(0.3612, "R@10"), "36.1"),
        (formats.number(3.3219, "entropy@10"), "3.32"),
        (formats.interval([0.35, 0.372]), "35.0\N{EN DASH}37.2"),
        (formats.points(0.0138), "+1.4"),
        (formats.points(-0.0138), "\N{MINUS SIGN}1.4"),
        (formats.points(-0.0001), "0.0"),
        (formats.p_value(0.0001), "p < 0.001"),
        (formats.p_value(0.0123), "p = 0.012"),
        (formats.p_value(0.5), "p = 0.50"),
        (formats.plural(1, "post"), "1 post"),
        (formats.plural(32000, "post"), "32,000 posts"),
        (formats.joined(["a", "b", "c"]), "a, b and c"),
        (formats.joined(["a"]), "a"),
        (formats.joined([]), ""),
        (formats.person(34.0, "female", "GB"), "female, 34, GB"),
        (formats.person(float("nan"), "", ""), "says nothing of themselves"),
    ],
)
def test_formats(text, expected):
    assert text == expected
