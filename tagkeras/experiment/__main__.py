"""Trains and evaluates a grid of models on datasets, and puts the results beside the paper's.

    python -m tagkeras.experiment --spec=configs/paper.yaml --output=DIR

DIR gets `runs/` and `evaluations/`, and, once all runs are done, `results.csv`, `tables/` (the
paper's table of each dataset, in Markdown, CSV and LaTeX) and `findings.md` (which of the paper's
claims these data show). The same command goes on where it was stopped. docs/experiments.md has the
format of the specification.
"""

import dataclasses
from collections.abc import Sequence
from pathlib import Path

import tensorflow as tf
from rich.console import Console
from rich.markdown import Markdown

from tagkeras.cli.commandline import option, run
from tagkeras.cli.errors import UserError
from tagkeras.experiment import cores
from tagkeras.experiment.aggregate import aggregate
from tagkeras.experiment.experiment_folder import ExperimentFolder
from tagkeras.experiment.findings import find_all
from tagkeras.experiment.hashtag_kinds import load_hashtag_kinds
from tagkeras.experiment.reports import write_findings, write_results, write_tables
from tagkeras.experiment.run_jobs import make_runs
from tagkeras.experiment.runs import Run
from tagkeras.experiment.spec import read_spec


@dataclasses.dataclass(frozen=True, kw_only=True)
class Config:
    """The options of this command."""

    spec: str = option(help="YAML file that says what to train on what")
    output: str = option(help="folder of the experiment; one that was stopped goes on in its own")
    parallel: int | None = option(
        None, help="runs at a time; by default one a core, or one a GPU where there are", minimum=1
    )
    datasets: tuple[str, ...] = option(
        (), help="dataset folders in place of the specification's: natural=DIR,balanced=DIR"
    )


def experiment(config: Config) -> dict[str, str]:
    """Makes the runs that are not there yet, then results, tables and findings.

    Returns:
        The table of each dataset, in Markdown.

    Raises:
        UserError: the specification does not fit, the folder is of another experiment, or a run
            failed.
    """
    spec = read_spec(Path(config.spec), parse_datasets(config.datasets))
    kinds = load_hashtag_kinds(spec)
    # This process has nothing for a GPU to do, and would take the memory of runs.
    gpus = tf.config.list_physical_devices("GPU")
    tf.config.set_visible_devices([], "GPU")
    folder = ExperimentFolder(config.output)
    with folder.locked():
        runs = folder.prepare(spec)
        waiting = [run for run in runs if not folder.is_finished(run)]
        if waiting:
            folder.clear_results()
            make_runs(folder, spec, runs, _environments(config, waiting, len(gpus)))
        results = aggregate(folder.path, runs, kinds)
        write_results(folder.path, runs)
        tables = write_tables(folder.path, results)
        write_findings(folder.path, results, *find_all(results))
    return tables


def parse_datasets(words: Sequence[str]) -> dict[str, str]:
    """The folders of `--datasets`, by name.

    Raises:
        UserError: a word is no NAME=FOLDER, or names a dataset again.
    """
    folders: dict[str, str] = {}
    for word in words:
        name, _, folder = word.partition("=")
        if not name or not folder or name in folders:
            raise UserError(f"--datasets={','.join(words)}: give NAME=FOLDER, each name once")
        folders[name] = folder
    return folders


def _environments(config: Config, waiting: Sequence[Run], num_gpus: int) -> list[dict[str, str]]:
    num_cores = cores.count_cores()
    parallel = cores.choose_parallel(
        config.parallel, num_runs=len(waiting), num_cores=num_cores, num_gpus=num_gpus
    )
    gpus = cores.visible_gpus(num_gpus)
    return cores.share_out(parallel, num_cores=num_cores, gpus=gpus)


def main(config: Config) -> None:
    """Runs the experiment, prints the tables and says what was written."""
    tables = experiment(config)
    console = Console()
    for markdown in tables.values():
        console.print(Markdown(markdown))
    print(f"wrote {config.output}/tables, findings.md, findings.json and results.csv there")


if __name__ == "__main__":
    run(main, Config)
