"""The page: all sections in one HTML file that needs nothing else."""

import base64
import dataclasses
import hashlib
from collections.abc import Callable, Mapping, Sequence
from importlib import resources
from pathlib import Path
from typing import Any, NamedTuple

import jinja2
from markupsafe import Markup

from tagkeras import __version__
from tagkeras.cli import files
from tagkeras.cli.errors import UserError
from tagkeras.cli.progress import progress
from tagkeras.data.hashtags import normalize, read_hashtag_kinds
from tagkeras.report import formats
from tagkeras.report.config import Config
from tagkeras.report.find_runs import RunFinder
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
from tagkeras.report.style import label_of
from tagkeras.report.svg import FigureFiles, page_css


class Section(NamedTuple):
    """A section of the page; its template is `sections/ID.html`.

    `build` makes what the template shows, of `Inputs` and, if the section has a part for each group
    of runs, of the group.
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
    """Evaluates what is not evaluated yet, writes the page and its figures, gives the page's path.

    The page names the words of the command.

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
    if experiment := finder.experiment:
        config = dataclasses.replace(
            config,
            posts=config.posts or experiment.file("posts"),
            image_root=config.image_root or experiment.file("image_root"),
            hashtag_kinds=config.hashtag_kinds or experiment.file("hashtag_kinds"),
        )
    output = Path(config.output)
    with files.folder_written_aside(output / "figures") as folder:
        lines = formats.command_lines(command)
        page = _render_page(Inputs(config, tuple(found), experiment, FigureFiles(folder), lines))
    files.write_text(output / "report.html", page)
    return output / "report.html"


def _render_page(inputs: Inputs) -> str:
    """Builds all sections, which writes their figures, and renders them to HTML."""
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
    assets = resources.files("tagkeras.report") / "templates"
    script = (assets / "theme.js").read_text(encoding="utf-8")
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    # On paper, figures have the colours of a light page, which they have without their CSS.
    style = (assets / "style.css").read_text(encoding="utf-8")
    css = f"{style}\n@media screen {{\n{page_css()}}}\n"
    template = make_environment().get_template("page.html")
    return template.render(
        title=inputs.config.title,
        head=head.build(inputs),
        groups=inputs.groups,
        sections=shown,
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
    names = ("count", "interval", "joined", "number", "p_value", "percent", "plural", "points")
    environment.filters |= {name: getattr(formats, name) for name in (*names, "person", "slug")}
    environment.filters["label"] = label_of
    return environment
