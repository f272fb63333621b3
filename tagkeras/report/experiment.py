"""The results of `tagkeras.experiment`, read from its folder."""

import csv
import dataclasses
import io
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from tagkeras.cli.errors import UserError
from tagkeras.experiment.experiment_folder import FILE_NAME, FINDINGS, TABLES
from tagkeras.experiment.runs import Configuration
from tagkeras.experiment.tables import METHODS
from tagkeras.report.drawing import Estimate

_FINISH = "run python -m tagkeras.experiment to its end"
# Metrics by the model in its size, or by the name of a baseline.
ResultTable = Mapping[Configuration | str, Mapping[str, Estimate]]


@dataclasses.dataclass(frozen=True, eq=False)
class ExperimentRun:
    """One run of an experiment.

    Attributes:
        name: such as `multiplicative-d64-k100-seed0`.
        dataset: its name in the experiment.
        evaluation: folder of `tagkeras.evaluate`.
    """

    name: str
    dataset: str
    evaluation: Path


@dataclasses.dataclass(frozen=True, eq=False)
class Experiment:
    """The folder of a finished experiment.

    Attributes:
        path: of the folder.
        datasets: by name, their `path`, `oracle`, `hashtag_kinds`, `posts`, `image_root`.
        runs: in the order of the specification.
        findings: claims of the paper, each with its verdict; empty if there are none.
        tables: of each dataset: means over seeds, with intervals.
    """

    path: Path
    datasets: Mapping[str, Mapping[str, Any]]
    runs: tuple[ExperimentRun, ...]
    findings: tuple[Mapping[str, Any], ...]
    tables: Mapping[str, ResultTable]

    @classmethod
    def load(cls, path: Path) -> "Experiment":
        """Reads `experiment.json`, `findings.json` and the tables.

        Raises:
            UserError: a file is damaged or missing, or a run is not evaluated yet.
        """
        content = _read(path / FILE_NAME, json.loads)
        try:
            runs = tuple(
                ExperimentRun(run["name"], run["dataset"], path / run["evaluation"])
                for run in content["runs"]
            )
            datasets = dict(content["datasets"])
        except (KeyError, TypeError, ValueError) as error:
            raise UserError(f"{path / FILE_NAME} is damaged ({error!r}): {_FINISH}") from error
        for run in runs:
            if not run.evaluation.is_dir():
                raise UserError(f"{path}: {run.name} is not evaluated yet: {_FINISH}")
        if not runs:
            raise UserError(f"{path / FILE_NAME} has no runs: {_FINISH}")
        findings = tuple(_read(path / FINDINGS, json.loads))
        tables = {name: _read(path / TABLES / f"{name}.csv", _parse_table) for name in datasets}
        return cls(path, datasets, runs, findings, tables)

    def file(self, name: str) -> str | None:
        """The file that the first dataset with a `name`, such as `posts`, has there; or None."""
        named = (dataset.get(name) for dataset in self.datasets.values())
        return next((str(self.path / path) for path in named if path), None)


def _parse_table(text: str) -> ResultTable:
    """Reads the CSV file of a dataset's table.

    Raises:
        KeyError: it lacks a column.
        ValueError: a value is no number.
    """
    names = {method: name for name, method in METHODS.items()}
    reader = csv.DictReader(io.StringIO(text))
    columns = reader.fieldnames or ()
    metrics = [name for name in columns if f"{name} low" in columns]
    table: dict[Configuration | str, Mapping[str, Estimate]] = {}
    for row in reader:
        key: Configuration | str = names.get(row["method"], row["method"])
        if row["d"]:
            dim, rank = int(row["d"]), int(row["K"] or 0)
            key = Configuration(model=str(key), embedding_dim=dim, rank=rank)
        table[key] = {
            metric: Estimate(
                float(row[metric]), (float(row[f"{metric} low"]), float(row[f"{metric} high"]))
            )
            for metric in metrics
        }
    return table


def _read(path: Path, parse: Callable[[str], Any]) -> Any:
    try:
        return parse(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UserError(f"{path}: {error.strerror}: {_FINISH}") from error
    except (KeyError, ValueError) as error:
        raise UserError(f"{path} is damaged ({error}): {_FINISH}") from error
