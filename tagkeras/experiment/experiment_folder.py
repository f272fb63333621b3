"""The folder of an experiment: its settings, which may only grow, and which runs are finished."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tagkeras.cli import files
from tagkeras.cli.errors import UserError
from tagkeras.data.manifest import Manifest, fingerprint
from tagkeras.evaluate.evaluation import METRICS
from tagkeras.experiment.runs import Run
from tagkeras.experiment.spec import Spec

FILE_NAME = "experiment.json"
RESULTS, TABLES, FINDINGS, FINDINGS_TEXT = "results.csv", "tables", "findings.json", "findings.md"


class ExperimentFolder:
    """An experiment's folder, which need not exist yet."""

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)

    def prepare(self, spec: Spec) -> None:
        """Writes `experiment.json`; the specification may only add to one that is there.

        Raises:
            UserError: the folder holds other files, or an experiment with other settings.
        """
        file, content = self.path / FILE_NAME, _describe(spec)
        if file.exists():
            try:
                before = _settings(json.loads(file.read_text(encoding="utf-8")))
            except (ValueError, KeyError, TypeError, AttributeError) as error:
                raise UserError(f"{file} is damaged: choose another --output") from error
            self._check(before, _settings(content))
        elif self.path.is_dir() and any(entry.suffix != ".tmp" for entry in self.path.iterdir()):
            raise UserError(f"{self.path} holds other files and no {FILE_NAME}: name a new folder")
        files.write_text(file, json.dumps(content, indent=2) + "\n")

    def is_finished(self, run: Run) -> bool:
        """Whether a run is trained and evaluated: its `metrics.json`, written last, is there."""
        return (self.path / run.evaluation / METRICS).is_file()

    def clear_results(self) -> None:
        """Removes tables and findings, which do not cover all runs any more."""
        for name in (RESULTS, TABLES, FINDINGS, FINDINGS_TEXT):
            files.remove(self.path / name)

    def _check(self, before: Mapping[str, str], now: Mapping[str, str]) -> None:
        """Refuses what would make runs that cannot be compared with those before."""
        # Datasets and runs may be added; a flag may not.
        added = {key for key in now if key.startswith(("train.", "evaluate."))}
        changed = [
            f"{key}={before.get(key, '(none)')} (now {now.get(key, '(none)')})"
            for key in dict.fromkeys([*before, *sorted(added)])
            if before.get(key) != now.get(key)
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
        oracle = Path(dataset.oracle).read_bytes() if dataset.oracle else None
        datasets[name] = {
            **dataset.model_dump(),
            "distribution": manifest.distribution["name"],
            "fingerprint": fingerprint(Path(dataset.path), manifest),
            "oracle_sha256": None if oracle is None else hashlib.sha256(oracle).hexdigest(),
        }
    sections = spec.model_dump(include={"split", "train", "evaluate"})
    return {"datasets": datasets, **sections, "runs": [run.to_json() for run in spec.runs]}


def _settings(content: Mapping[str, Any]) -> dict[str, str]:
    """What `experiment.json` says that may not change, by dotted keys."""
    settings = {"split": content["split"]}
    for section in ("train", "evaluate"):
        settings |= {f"{section}.{name}": value for name, value in content[section].items()}
    for name, dataset in content["datasets"].items():
        settings[f"datasets.{name}.fingerprint"] = dataset["fingerprint"]
        settings[f"datasets.{name}.oracle_sha256"] = dataset["oracle_sha256"]
    return settings | {f"runs.{run['dataset']}/{run['name']}": "made" for run in content["runs"]}
