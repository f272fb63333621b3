"""The folder of an experiment, as a report reads it."""

import dataclasses
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from tagkeras.cli.errors import UserError
from tagkeras.experiment.experiment_folder import FILE_NAME, FINDINGS, TABLES
from tagkeras.experiment.tables import Table, from_csv

_AGAIN = "run python -m tagkeras.experiment to its end"


@dataclasses.dataclass(frozen=True, eq=False)
class ExperimentRun:
    """One run of an experiment.

    Attributes:
        name: such as `multiplicative-d64-k100-seed0`.
        dataset: as the experiment calls it.
        workdir: of the run.
        evaluation: folder of `tagkeras.evaluate`.
    """

    name: str
    dataset: str
    workdir: Path
    evaluation: Path


@dataclasses.dataclass(frozen=True, eq=False)
class FinishedExperiment:
    """What `tagkeras.experiment` wrote.

    Attributes:
        path: of the folder.
        datasets: by their names: `path`, and `oracle`, `hashtag_kinds`, `posts`, `image_root`.
        runs: in the order of the specification.
        findings: claims of the paper, each with its verdict; empty if there are none.
        tables: each dataset's table: means over seeds, with intervals.
    """

    path: Path
    datasets: Mapping[str, Mapping[str, Any]]
    runs: tuple[ExperimentRun, ...]
    findings: tuple[Mapping[str, Any], ...]
    tables: Mapping[str, Table]

    @classmethod
    def load(cls, path: Path) -> "FinishedExperiment":
        """Reads `experiment.json`, `findings.json` and the tables.

        Raises:
            UserError: a file is damaged or missing, or a run is not evaluated yet.
        """
        content = _read_json(path / FILE_NAME)
        try:
            runs = [
                ExperimentRun(
                    name=run["name"],
                    dataset=run["dataset"],
                    workdir=path / run["workdir"],
                    evaluation=path / run["evaluation"],
                )
                for run in content["runs"]
            ]
            datasets = dict(content["datasets"])
        except (KeyError, TypeError, ValueError) as error:
            raise UserError(f"{path / FILE_NAME} is damaged ({error!r}): {_AGAIN}") from error
        if missing := [run for run in runs if not run.evaluation.is_dir()]:
            raise UserError(f"{path}: {missing[0].name} is not evaluated yet: {_AGAIN}")
        if not runs:
            raise UserError(f"{path / FILE_NAME} has no runs: {_AGAIN}")
        found = tuple(_read_json(path / FINDINGS))
        tables = {name: _read_table(path / TABLES / f"{name}.csv") for name in datasets}
        return cls(path, datasets, tuple(runs), found, tables)

    def file(self, name: str) -> Path | None:
        """A file that the first dataset to name one names, such as `posts`; None if none does.

        Relative paths are of the experiment's folder.
        """
        named = (dataset.get(name) for dataset in self.datasets.values())
        return next((self.path / path for path in named if path), None)


def _read_json(path: Path) -> Any:
    return _read(path, json.loads)


def _read_table(path: Path) -> Table:
    return _read(path, from_csv)


def _read(path: Path, parse: Callable[[str], Any]) -> Any:
    try:
        return parse(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UserError(f"{path}: {error.strerror}: {_AGAIN}") from error
    except (KeyError, ValueError) as error:
        raise UserError(f"{path} is damaged ({error}): {_AGAIN}") from error
