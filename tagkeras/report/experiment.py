"""The results of `tagkeras.experiment`, read from its folder."""

import csv
import dataclasses
import io
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from tagkeras.cli.errors import UserError
from tagkeras.experiment.experiment import FILE_NAME
from tagkeras.experiment.findings import FINDINGS
from tagkeras.experiment.spec import Configuration
from tagkeras.experiment.tables import METHODS, TABLES
from tagkeras.report.drawing import Estimate

_FINISH = "run python -m tagkeras.experiment to its end"


class ExperimentRun(NamedTuple):
    """A run, the name of its dataset, and the folder of its evaluation in the experiment's."""

    name: str
    dataset: str
    evaluation: str


@dataclasses.dataclass(frozen=True, eq=False)
class Experiment:
    """The folder of a finished experiment.

    Attributes:
        datasets: by name, their `path`, `oracle`, `hashtag_kinds`, `posts`, `image_root`.
        runs: in the order of the specification.
        findings: claims of the paper, each with its verdict; empty if there are none.
        tables: of each dataset, metrics by model and size: means over seeds, with intervals.
    """

    path: Path
    datasets: Mapping[str, Mapping[str, Any]]
    runs: tuple[ExperimentRun, ...]
    findings: tuple[Mapping[str, Any], ...]
    tables: Mapping[str, Mapping[Configuration, Mapping[str, Estimate]]]

    @classmethod
    def load(cls, path: Path) -> "Experiment":
        """Reads `experiment.json`, `findings.json` and the tables.

        Raises:
            UserError: a file is damaged or missing, or a run is not evaluated yet.
        """
        content = _read(path / FILE_NAME, json.loads)
        try:
            names = ("name", "dataset", "evaluation")
            runs = tuple(ExperimentRun(*(run[name] for name in names)) for run in content["runs"])
            datasets = dict(content["datasets"])
        except (KeyError, TypeError, ValueError) as error:
            raise UserError(f"{path / FILE_NAME} is damaged ({error!r}): {_FINISH}") from error
        if not runs:
            raise UserError(f"{path / FILE_NAME} has no runs: {_FINISH}")
        for run in runs:
            if not (path / run.evaluation).is_dir():
                raise UserError(f"{path}: {run.name} is not evaluated yet: {_FINISH}")
        findings = tuple(_read(path / FINDINGS, json.loads))
        tables = {name: _read(path / TABLES / f"{name}.csv", _parse_table) for name in datasets}
        return cls(path, datasets, runs, findings, tables)

    def file(self, name: str) -> str | None:
        """The file that the first dataset with a `name`, such as `posts`, has there; or None."""
        named = (dataset.get(name) for dataset in self.datasets.values())
        return next((str(self.path / path) for path in named if path), None)


def _parse_table(text: str) -> dict[Configuration, dict[str, Estimate]]:
    """Reads the CSV file of a table; raises a KeyError or ValueError if it is damaged."""
    names = {method: name for name, method in METHODS.items()}
    reader = csv.DictReader(io.StringIO(text))
    columns = reader.fieldnames or ()
    metrics = [name for name in columns if f"{name} low" in columns]
    table = {}
    for row in reader:
        name = names.get(row["method"], row["method"])
        ends = {m: (float(row[f"{m} low"]), float(row[f"{m} high"])) for m in metrics}
        table[Configuration(name, int(row["d"] or 0), int(row["K"] or 0))] = {
            metric: Estimate(float(row[metric]), ends[metric]) for metric in metrics
        }
    return table


def _read(path: Path, parse: Callable[[str], Any]) -> Any:
    try:
        return parse(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UserError(f"{path}: {error.strerror}: {_FINISH}") from error
    except (KeyError, ValueError) as error:
        raise UserError(f"{path} is damaged ({error}): {_FINISH}") from error
