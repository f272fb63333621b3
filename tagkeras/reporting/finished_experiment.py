"""The folder of an experiment, as a report reads it."""

import dataclasses
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tagkeras.errors import UserError

FILE_NAME, FINDINGS = "experiment.json", "findings.json"
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
    """

    path: Path
    datasets: Mapping[str, Mapping[str, Any]]
    runs: tuple[ExperimentRun, ...]
    findings: tuple[Mapping[str, Any], ...]

    @classmethod
    def load(cls, path: Path) -> "FinishedExperiment":
        """Reads `experiment.json` and `findings.json`.

        Raises:
            UserError: a file is damaged, or no run was evaluated yet.
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
        findings = path / FINDINGS
        found = _read_json(findings) if findings.exists() else []
        return cls(path, datasets, tuple(runs), tuple(found))

    def file(self, name: str) -> Path | None:
        """A file that the first dataset to name one names, such as `posts`; None if none does.

        Relative paths are of the experiment's folder.
        """
        named = (dataset.get(name) for dataset in self.datasets.values())
        return next((self.path / path for path in named if path), None)


def _read_json(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UserError(f"{path}: {error.strerror}: {_AGAIN}") from error
    except ValueError as error:
        raise UserError(f"{path} is damaged ({error}): {_AGAIN}") from error
