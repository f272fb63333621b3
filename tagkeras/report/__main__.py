"""A page about runs: one HTML file that opens offline, and its figures.

    python -m tagkeras.report --run=RUN --output=DIR --compare RUN RUN

A run is a workdir of `tagkeras.train` (evaluated first), a folder that `tagkeras.evaluate` wrote,
or the folder of a `tagkeras.experiment` (all of its runs). Writes `report.html`, `figures/`, and
evaluations of workdirs to `evaluations/`, which the next report on the same runs uses again.
"""

import dataclasses
import sys
from collections.abc import Sequence
from pathlib import Path

from tagkeras.cli import files
from tagkeras.cli.commandline import option, run
from tagkeras.cli.errors import UserError
from tagkeras.data.hashtag_kinds import read_hashtag_kinds
from tagkeras.data.hashtags import normalize

FILE_NAME, FIGURES, EVALUATIONS = "report.html", "figures", "evaluations"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Config:
    """The options of this command."""

    run: str = option(
        help="workdir of tagkeras.train, folder of tagkeras.evaluate or of tagkeras.experiment"
    )
    output: str = option(help="folder to write report.html and figures to")
    compare: tuple[str, ...] = option((), help="more runs, beside --run", positional=True)
    data: str | None = option(
        None, help="dataset to evaluate workdirs on; by default the one each was trained on"
    )
    split: str = option(
        "test", help="posts that runs are evaluated on", choices=("train", "validation", "test")
    )
    oracle: str | None = option(
        None, help="Parquet file of the posts' most probable hashtags, for evaluating workdirs"
    )
    posts: str | None = option(
        None, help="file of the posts (.jsonl, .jsonl.gz, .parquet), to show some with their photos"
    )
    image_root: str | None = option(
        None, help="folder that image paths are relative to; by default that of --posts"
    )
    samples: int = option(8, help="photos to show", minimum=0, maximum=100)
    hashtag_kinds: str | None = option(
        None, help="file of hashtag<TAB>kind, such as tagkeras.synthetic writes"
    )
    tags: tuple[str, ...] = option(
        (), help="hashtags to draw curves of; by default those that the runs differ most on"
    )
    map_users: int = option(2000, help="users on the map, at most", minimum=5, maximum=100_000)
    title: str = option("Hashtags by photo and person", help="of the page")


def report(config: Config, *, command: Sequence[str] = ()) -> Path:
    """Evaluates what is not evaluated yet and writes the page.

    Args:
        config: the options.
        command: its words, to be named in the page.

    Returns:
        The path of the page.

    Raises:
        UserError: a run or a file is not what it should be, or packages are missing.
    """
    # Here, and not at the top: the packages of the extra `report` may be missing.
    from tagkeras.report.chosen_tags import check_tags
    from tagkeras.report.commands import lines_of
    from tagkeras.report.evaluate_run import EvaluationOptions
    from tagkeras.report.figure_files import FigureFiles
    from tagkeras.report.find_runs import RunFinder
    from tagkeras.report.material import Material, Settings
    from tagkeras.report.page import render_page

    output = Path(config.output)
    posts, kinds = _path(config.posts), _path(config.hashtag_kinds)
    if posts and not posts.is_file():
        raise UserError(f"--posts={posts}: no such file")
    if kinds:
        read_hashtag_kinds(kinds)
    tags = tuple(map(normalize, config.tags))
    options = EvaluationOptions(split=config.split, oracle=config.oracle, tags=tags)
    finder = RunFinder(output / EVALUATIONS, config.data, options)
    groups = finder.find([config.run, *config.compare])
    for group in groups:
        check_tags(tags, group)
    experiment = finder.experiments[0] if finder.experiments else None
    given = {"posts": posts, "image_root": _path(config.image_root), "hashtag_kinds": kinds}
    if experiment:
        given = {name: path or experiment.file(name) for name, path in given.items()}
    settings = Settings(
        split=config.split,
        samples=config.samples,
        tags=tags,
        map_users=config.map_users,
        command=lines_of(command),
        **given,
    )
    with files.folder_written_aside(output / FIGURES) as folder:
        material = Material(
            groups=tuple(groups),
            experiment=experiment,
            settings=settings,
            figures=FigureFiles(folder),
        )
        page = render_page(material, title=config.title)
    files.write_text(output / FILE_NAME, page)
    return output / FILE_NAME


def _path(text: str | None) -> Path | None:
    return None if text is None else Path(text)


def main(config: Config) -> None:
    """Writes the page and says where it is."""
    page = report(config, command=["python", "-m", "tagkeras.report", *sys.argv[1:]])
    print(f"wrote {page} and {page.parent / FIGURES}/; open it in a browser, it needs nothing else")


if __name__ == "__main__":
    run(main, Config)
