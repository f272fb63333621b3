"""The folder of an experiment: what it is of, and who is at work in it."""

import contextlib
import dataclasses
import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from tagkeras.cli import files
from tagkeras.cli.errors import UserError
from tagkeras.data.manifest import Manifest, fingerprint
from tagkeras.evaluate.evaluation import METRICS
from tagkeras.experiment.runs import Run, list_runs
from tagkeras.experiment.spec import Spec

FILE_NAME = "experiment.json"
RESULTS, TABLES, FINDINGS, FINDINGS_TEXT = (
    "results.csv",
    "tables",
    "findings.json",
    "findings.md",
)
# What other runs would be without: a new value of these makes another experiment.
_FIXED = ("split", "train", "evaluate")
_AGAIN = "give the same ones or another --output"


class ExperimentFolder:
    """Paths and small files of an experiment.

    Args:
        path: of the folder; it may not exist yet.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self._file = self.path / FILE_NAME

    def prepare(self, spec: Spec) -> list[Run]:
        """Notes what the experiment is of; an earlier one there may only have had fewer runs.

        Returns:
            The runs.

        Raises:
            UserError: the folder holds something else, or an experiment that differs; says in what.
        """
        runs, content = list_runs(spec), _describe(spec)
        if self._file.exists():
            self._check(self._load(), content)
        elif any(entry.name != FILE_NAME and entry.suffix != ".tmp" for entry in self._entries()):
            raise UserError(f"{self.path} holds other files and no {FILE_NAME}: name a new folder")
        if not self._file.exists() or self._load() != content:
            files.write_text(self._file, json.dumps(content, indent=2) + "\n")
        return runs

    def is_finished(self, run: Run) -> bool:
        """Whether a run is trained and evaluated: the evaluation's last file is there."""
        return (self.path / run.evaluation / METRICS).is_file()

    def clear(self, run: Run) -> None:
        """Removes what a killed evaluation of an unfinished run left."""
        files.remove(self.path / run.evaluation)

    def clear_results(self) -> None:
        """Removes tables and findings: they are not of all runs any more."""
        for name in (RESULTS, TABLES, FINDINGS, FINDINGS_TEXT):
            files.remove(self.path / name)

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Makes the folder and keeps other experiments out of it.

        Raises:
            UserError: another experiment is at work there.
        """
        self.path.mkdir(parents=True, exist_ok=True)
        busy = (
            f"another experiment is at work in {self.path}: wait for its end,"
            " or choose another --output"
        )
        with files.locked(self.path, busy=busy):
            yield

    def _entries(self) -> Sequence[Path]:
        return list(self.path.iterdir()) if self.path.is_dir() else []

    def _load(self) -> dict[str, Any]:
        try:
            content = json.loads(self._file.read_text(encoding="utf-8"))
        except ValueError:
            content = None
        if not isinstance(content, dict) or not {"datasets", "runs", *_FIXED} <= content.keys():
            raise UserError(f"{self._file} is damaged: choose another --output")
        return content

    def _check(self, before: Mapping[str, Any], now: Mapping[str, Any]) -> None:
        differing = [
            f"{section}.{name}={_show(before[section].get(name))}"
            f" (now {_show(now[section].get(name))})"
            for section in ("train", "evaluate")
            for name in sorted({*before[section], *now[section]})
            if before[section].get(name) != now[section].get(name)
        ]
        if before["split"] != now["split"]:
            differing.append(f"split={before['split']} (now {now['split']})")
        for name, dataset in before["datasets"].items():
            other = now["datasets"].get(name)
            if other is None:
                differing.append(f"the dataset {name} (now left out)")
                continue
            if dataset["fingerprint"] != other["fingerprint"]:
                differing.append(f"another dataset {name} than {other['path']} is now")
            if dataset["oracle_sha256"] != other["oracle_sha256"]:
                differing.append(f"another oracle of {name} than {other['oracle']} is now")
        if differing:
            raise UserError(
                f"{self.path} was started with {', '.join(differing)}: {_AGAIN};"
                " only datasets, rows of the grid and seeds may be added"
            )
        paths = {_path_of(run) for run in now["runs"]}
        if missing := [_path_of(run) for run in before["runs"] if _path_of(run) not in paths]:
            raise UserError(
                f"{self.path} was started with the run {missing[0]}"
                f"{f' and {len(missing) - 1} others' if len(missing) > 1 else ''}, which the grid"
                f" and seeds do not have now: {_AGAIN}"
            )


def _describe(spec: Spec) -> dict[str, Any]:
    """The content of `experiment.json`."""
    datasets = {}
    for name, dataset in spec.datasets.items():
        path, manifest = Path(dataset.path), Manifest.load(dataset.path)
        datasets[name] = {
            **dataclasses.asdict(dataset),
            "distribution": manifest.distribution["name"],
            "fingerprint": fingerprint(path, manifest),
            "oracle_sha256": _hash(dataset.oracle),
        }
    return {
        "datasets": datasets,
        "split": spec.split,
        "train": dict(spec.train),
        "evaluate": dict(spec.evaluate),
        "runs": [run.to_json() for run in list_runs(spec)],
    }


def _hash(path: str | None) -> str | None:
    if path is None:
        return None
    with Path(path).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _path_of(run: Mapping[str, Any]) -> str:
    return f"{run['dataset']}/{run['name']}"


def _show(value: Any) -> Any:
    return "(left out)" if value is None else value
