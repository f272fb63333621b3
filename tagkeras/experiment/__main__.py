"""Trains and evaluates a grid of models on datasets, and compares the results with the paper's.

    python -m tagkeras.experiment --spec=configs/paper.yaml --output=DIR

DIR gets `runs/` and `evaluations/`, and, once all runs are done, `results.csv`, `tables/` (the
paper's table for each dataset, in Markdown, CSV and LaTeX) and `findings.md` (which of the paper's
claims these data support). The same command resumes an experiment that was stopped.
docs/experiments.md describes the format of the specification.
"""

import dataclasses
from pathlib import Path

from tagkeras.cli.commandline import option, run


@dataclasses.dataclass(frozen=True, kw_only=True)
class Config:
    """The options of this command."""

    spec: str = option(help="YAML file: datasets, models, sizes, seeds")
    output: str = option(help="folder of the experiment; one that was stopped is resumed")
    parallel: int | None = option(
        None, help="runs at a time; by default one per GPU, or per core without GPUs", minimum=1
    )
    datasets: tuple[str, ...] = option(
        (), help="dataset folders in place of the specification's: natural=DIR,balanced=DIR"
    )


def main(config: Config) -> None:
    """Runs the experiment, prints its tables and says what was written."""
    from rich.console import Console
    from rich.markdown import Markdown

    from tagkeras.experiment.experiment import run_experiment
    from tagkeras.experiment.spec import read_spec

    spec = read_spec(Path(config.spec), config.datasets)
    tables = run_experiment(spec, Path(config.output), config.parallel)
    console = Console()
    for markdown in tables.values():
        if console.is_terminal:
            console.print(Markdown(markdown))
        else:
            print(markdown)
    print(f"wrote {config.output}/tables, findings.md, findings.json and results.csv there")


if __name__ == "__main__":
    run(main, Config)
