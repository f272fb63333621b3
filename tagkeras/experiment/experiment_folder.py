"""The folder of an experiment: what it consists of, and which of its runs are finished."""

import contextlib
import hashlib
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from tagkeras.cli import files
from tagkeras.cli.errors import UserError
from tagkeras.data.fingerprint import fingerprint
from tagkeras.data.manifest import Manifest
from tagkeras.evaluate.evaluation import METRICS
from tagkeras.experiment.runs import Run
from tagkeras.experiment.spec import Spec

FILE_NAME = "experiment.json"
RESULTS, TABLES, FINDINGS, FINDINGS_TEXT = "results.csv", "tables", "findings.json", "findings.md"


class ExperimentFolder:
    """Paths and small files of an experiment.

    Args:
        path: of the folder; it need not exist yet.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self._file = self.path / FILE_NAME

    def prepare(self, spec: Spec) -> None:
        """Writes `experiment.json`; the specification may only add to the one that is there.

        Raises:
            UserError: the folder holds other files, or an experiment with other settings.
        """
        content = _describe(spec)
        if self._file.exists():
            self._check(self._load(), content)
        elif self.path.is_dir() and any(entry.suffix != ".tmp" for entry in self.path.iterdir()):
            raise UserError(f"{self.path} holds other files and no {FILE_NAME}: name a new folder")
        files.write_text(self._file, json.dumps(content, indent=2) + "\n")

    def is_finished(self, run: Run) -> bool:
        """Whether a run is trained and evaluated: its `metrics.json`, written last, is there."""
        return (self.path / run.evaluation / METRICS).is_file()

    def clear_results(self) -> None:
        """Removes tables and findings, which do not cover all runs any more."""
        for name in (RESULTS, TABLES, FINDINGS, FINDINGS_TEXT):
            files.remove(self.path / name)

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Makes the folder and keeps other experiments out of it.

        Raises:
            UserError: another experiment is running there.
        """
        self.path.mkdir(parents=True, exist_ok=True)
        busy = (
            f"another experiment is running in {self.path}: wait for its end,"
            " or choose another --output"
        )
        with files.locked(self.path, busy=busy):
            yield

    def _load(self) -> dict[str, Any]:
        try:
            content = json.loads(self._file.read_text(encoding="utf-8"))
            _settings(content)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise UserError(f"{self._file} is damaged: choose another --output") from error
        return content

    def _check(self, before: Mapping[str, Any], now: Mapping[str, Any]) -> None:
        """Refuses other settings than before, which would make runs that cannot be compared."""
        old, new = _settings(before), _settings(now)
        added = [key for key in new if key not in old and key.startswith(("train.", "evaluate."))]
        changed = [
            f"{key}={_show(old.get(key))} (now {_show(new.get(key))})"
            for key in (*old, *added)
            if old.get(key) != new.get(key)
        ]
        if changed:
            others = f" and {len(changed) - 3} more" if len(changed) > 3 else ""
            raise UserError(
                f"{self.path} was started with {', '.join(changed[:3])}{others}: give the same or"
                " another --output; only datasets, rows of the grid and seeds may be added"
            )


def _describe(spec: Spec) -> dict[str, Any]:
    """The content of `experiment.json`."""
    datasets = {}
    for name, dataset in spec.datasets.items():
        manifest = Manifest.load(dataset.path)
        datasets[name] = {
            **dataset.model_dump(),
            "distribution": manifest.distribution["name"],
            "fingerprint": fingerprint(Path(dataset.path), manifest),
            "oracle_sha256": _hash(dataset.oracle),
        }
    return {
        "datasets": datasets,
        "split": spec.split,
        "train": spec.train,
        "evaluate": spec.evaluate,
        "runs": [run.to_json() for run in spec.runs],
    }


def _settings(content: Mapping[str, Any]) -> dict[str, Any]:
    """What may not change once runs are made, of the content of `experiment.json`."""
    settings = {"split": content["split"]}
    for section in ("train", "evaluate"):
        settings |= {f"{section}.{name}": value for name, value in content[section].items()}
    for name, dataset in content["datasets"].items():
        for key in ("fingerprint", "oracle_sha256"):
            settings[f"datasets.{name}.{key}"] = dataset[key]
    return settings | {f"runs.{run['dataset']}/{run['name']}": "made" for run in content["runs"]}


def _hash(path: str | None) -> str | None:
    if path is None:
        return None
    with Path(path).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _show(value: Any) -> Any:
    return "(none)" if value is None else value
