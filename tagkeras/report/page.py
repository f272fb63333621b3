"""The page: all sections in one HTML file that needs nothing else."""

import base64
import dataclasses
import hashlib
from collections.abc import Callable, Mapping, Sequence
from importlib import resources
from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup

from tagkeras import __version__
from tagkeras.cli import files
from tagkeras.cli.errors import UserError
from tagkeras.cli.progress import progress
from tagkeras.data.hashtag_kinds import read_hashtag_kinds
from tagkeras.data.hashtags import normalize
from tagkeras.report import formats
from tagkeras.report.config import Config
from tagkeras.report.find_runs import RunFinder, check_tags
from tagkeras.report.inputs import Inputs, Omitted
from tagkeras.report.sections import (
    data,
    groups,
    head,
    paper,
    people,
    precision_recall,
    results,
    samples,
    tag_groups,
    training,
    users,
    vocabulary,
)
from tagkeras.report.svg import FigureFiles, page_css


@dataclasses.dataclass(frozen=True)
class Section:
    """A section of the page.

    Attributes:
        id: what links lead to; `sections/ID.html` is its template.
        title: its heading.
        nav: its name in the navigation.
        build: makes what the template shows, of `Inputs` and, if `per_group`, one of their groups.
        per_group: whether it has a part for each group of runs.
    """

    id: str
    title: str
    nav: str
    build: Callable[..., Mapping[str, Any]]
    per_group: bool = True


SECTIONS = (
    Section("results", "Results", "Results", results.build),
    Section("paper", "Beside the paper", "Paper", paper.build, per_group=False),
    Section("training", "Training", "Training", training.build),
    Section("tags", "Single hashtags", "Hashtags", precision_recall.build),
    Section("tag-groups", "Three groups of hashtags", "Tag groups", tag_groups.build),
    Section("samples", "Sample photos", "Photos", samples.build, per_group=False),
    Section("people", "The same photo, other people", "People", people.build, per_group=False),
    Section("users", "Map of the users", "Users", users.build, per_group=False),
    Section("vocabulary", "The hashtags themselves", "Vocabulary", vocabulary.build),
    Section("groups", "Groups of people", "Groups", groups.build),
    Section("data", "Data, runs and commands", "Data", data.build, per_group=False),
)


def write_report(config: Config, *, command: Sequence[str] = ()) -> Path:
    """Evaluates what is not evaluated yet, and writes the page and its figures.

    Args:
        config: the options.
        command: its words, to be named in the page.

    Returns:
        The path of the page.

    Raises:
        UserError: a run or a file is not what it should be.
    """
    if config.posts and not Path(config.posts).is_file():
        raise UserError(f"--posts={config.posts}: no such file")
    if config.hashtag_kinds:
        read_hashtag_kinds(Path(config.hashtag_kinds))
    config = dataclasses.replace(config, tags=tuple(map(normalize, config.tags)))
    finder = RunFinder(config)
    found = finder.find([config.run, *config.compare])
    for group in found:
        check_tags(config.tags, group)
    if experiment := finder.experiment:
        named = {
            name: getattr(config, name) or experiment.file(name)
            for name in ("posts", "image_root", "hashtag_kinds")
        }
        config = dataclasses.replace(config, **named)
    output = Path(config.output)
    with files.folder_written_aside(output / "figures") as folder:
        inputs = Inputs(
            config=config,
            groups=tuple(found),
            experiment=experiment,
            figures=FigureFiles(folder),
            command=formats.command_lines(command),
        )
        page = render_page(inputs)
    files.write_text(output / "report.html", page)
    return output / "report.html"


def render_page(inputs: Inputs) -> str:
    """Builds all sections and renders them.

    Args:
        inputs: what they are built from; its figures are written on the way.

    Returns:
        HTML that refers to nothing outside itself.

    Raises:
        UserError: a section cannot be built from the input.
    """
    shown: list[tuple[Section, list[Mapping[str, Any]]]] = []
    omitted: dict[str, str] = {}
    with progress("writing the page", len(SECTIONS), "sections") as advance:
        for section in SECTIONS:
            parts: list[Mapping[str, Any]] = []
            for group in inputs.groups if section.per_group else (None,):
                arguments = (inputs, group) if section.per_group else (inputs,)
                try:
                    parts.append({"group": group, **section.build(*arguments)})
                except Omitted as reason:
                    where = f", {group.name}" if group and len(inputs.groups) > 1 else ""
                    omitted[section.title + where] = str(reason)
            if parts:
                shown.append((section, parts))
            advance(1)
    script = read_asset("theme.js")
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    # On paper, figures have the colours of a light page, which they have without their CSS.
    css = f"{read_asset('style.css')}\n@media screen {{\n{page_css()}}}\n"
    template = make_environment().get_template("page.html")
    return template.render(
        title=inputs.config.title,
        head=head.build(inputs),
        sections=shown,
        several_groups=len(inputs.groups) > 1,
        omitted=omitted,
        css=Markup(css),
        script=Markup(script),
        script_hash=Markup(f"sha256-{digest}"),  # the only script that the page's policy allows
        version=__version__,
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
    names = ("percent", "number", "interval", "points", "p_value", "count", "plural", "joined")
    environment.filters |= {name: getattr(formats, name) for name in (*names, "slug")}
    return environment


def read_asset(name: str) -> str:
    """A file beside the templates that goes into the page as it is."""
    return (resources.files("tagkeras.report") / "templates" / name).read_text(encoding="utf-8")
