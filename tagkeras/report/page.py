"""The page: all sections in one HTML file that needs nothing else."""

import base64
import hashlib
from collections.abc import Callable, Mapping
from importlib import resources
from typing import Any

import jinja2
from markupsafe import Markup

from tagkeras import __version__
from tagkeras.cli.progress import progress
from tagkeras.report import formats, plotting
from tagkeras.report.material import Material
from tagkeras.report.names import slug
from tagkeras.report.sections import (
    data,
    findings,
    groups,
    paper,
    people,
    results,
    samples,
    tags,
    training,
    user_map,
    vocabulary,
)
from tagkeras.report.sections.section import LeftOut, Section

SECTIONS: tuple[Callable[[Material], Section], ...] = (
    results.build,
    paper.build,
    training.build,
    tags.build,
    samples.build,
    people.build,
    user_map.build,
    vocabulary.build,
    groups.build,
    data.build,
)


def render_page(material: Material, *, title: str) -> str:
    """Builds all sections and renders them.

    Args:
        material: what they are made from; its figures are written on the way.
        title: of the page.

    Returns:
        HTML. It refers to nothing outside itself.

    Raises:
        UserError: a section cannot be built from the input.
    """
    sections: list[Section] = []
    left_out: list[LeftOut] = []
    with progress("writing the page", len(SECTIONS), "sections") as advance:
        for build in SECTIONS:
            try:
                sections.append(build(material))
            except LeftOut as reason:
                left_out.append(reason)
            advance(1)
    script = read_asset("theme.js")
    return (
        make_environment()
        .get_template("page.html")
        .render(
            title=title,
            head=findings.build(material),
            sections=sections,
            left_out=[*left_out, *_parts_left_out(sections)],
            css=Markup(_css()),
            theme_script=Markup(script),
            script_hash=Markup(f"sha256-{_sha256(script)}"),
            version=__version__,
        )
    )


def make_environment() -> jinja2.Environment:
    """Jinja2 with our templates and filters. Everything is escaped: hashtags are user text."""
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("tagkeras.report"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= _filters()
    return environment


def read_asset(name: str) -> str:
    """A file beside the templates that is put into the page as it is."""
    return (resources.files("tagkeras.report") / "templates" / name).read_text(encoding="utf-8")


def _css() -> str:
    # On paper figures have the colours of a light page, which they fall back on without this.
    return f"{read_asset('style.css')}\n@media screen {{\n{plotting.FIGURE_CSS}}}\n"


def _sha256(script: str) -> str:
    """What the page's policy allows: this script, and none that a hashtag might smuggle in."""
    return base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()


def _filters() -> Mapping[str, Callable[..., Any]]:
    return {
        "percent": formats.percent,
        "metric": formats.number,
        "interval": formats.interval,
        "points": formats.points,
        "p_value": formats.p_value,
        "count": formats.count,
        "plural": formats.plural,
        "joined": formats.joined,
        "slug": slug,
    }


def _parts_left_out(sections: list[Section]) -> list[LeftOut]:
    return [part for section in sections for part in section.content.get("left_out", ())]
