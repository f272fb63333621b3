"""An experiment from its specification to its tables and findings."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import tensorflow as tf

from tagkeras.cli import files
from tagkeras.cli.errors import UserError
from tagkeras.data.hashtags import read_hashtag_kinds
from tagkeras.data.manifest import Manifest, fingerprint
from tagkeras.experiment.findings import FINDINGS, FINDINGS_TEXT, find_all, write_findings
from tagkeras.experiment.make_runs import make_runs, share_machine
from tagkeras.experiment.results import collect_results
from tagkeras.experiment.spec import Spec
from tagkeras.experiment.tables import RESULTS, TABLES, write_results, write_tables

FILE_NAME = "experiment.json"


def run_experiment(spec: Spec, folder: Path, parallel: int | None = None) -> dict[str, str]:
    """Makes the runs that are not there yet, then results, tables and findings.

    `parallel` are runs at a time, by default one per GPU, or per core without GPUs. Gives the table
    of each dataset, in Markdown.

    Raises:
        UserError: the folder holds or runs another experiment, or a run failed.
    """
    files_of_kinds = {name: dataset.hashtag_kinds for name, dataset in spec.datasets.items()}
    kinds = {name: read_hashtag_kinds(Path(f)) for name, f in files_of_kinds.items() if f}
    # This process does nothing on a GPU, and would take memory from the runs.
    gpus = tf.config.list_physical_devices("GPU")
    tf.config.set_visible_devices([], "GPU")
    folder.mkdir(parents=True, exist_ok=True)
    remedy = "wait for its end, or choose another --output"
    with files.locked(folder, busy=f"another experiment is running in {folder}: {remedy}"):
        prepare_folder(folder, spec)
        if waiting := [run for run in spec.runs if not run.is_finished(folder)]:
            # They do not cover all runs any more.
            for name in (RESULTS, TABLES, FINDINGS, FINDINGS_TEXT):
                files.remove(folder / name)
            make_runs(folder, spec, share_machine(parallel, len(waiting), len(gpus)))
        results = collect_results(folder, spec.runs, kinds)
        write_results(folder, spec.runs)
        tables = write_tables(folder, results)
        write_findings(folder, results, *find_all(results))
    return tables


def prepare_folder(folder: Path, spec: Spec) -> None:
    """Writes `experiment.json`; the specification may only add to one that is there.

    Raises:
        UserError: the folder holds other files, or an experiment with other settings.
    """
    file, content = folder / FILE_NAME, _describe(spec)
    if file.exists():
        try:
            before = _settings(json.loads(file.read_text(encoding="utf-8")))
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise UserError(f"{file} is damaged: choose another --output") from error
        now = _settings(content)
        # Datasets and runs may be added; a flag may not.
        added = sorted(key for key in now if key.startswith(("train.", "evaluate.")))
        changed = [
            f"{key}={before.get(key, '(none)')} (now {now.get(key, '(none)')})"
            for key in dict.fromkeys([*before, *added])
            if before.get(key) != now.get(key)
        ]
        if changed:
            others = f" and {len(changed) - 3} more" if len(changed) > 3 else ""
            raise UserError(
                f"{folder} was started with {', '.join(changed[:3])}{others}: give the same or"
                " another --output; only datasets, rows of the grid and seeds may be added"
            )
    elif folder.is_dir() and any(entry.suffix != ".tmp" for entry in folder.iterdir()):
        raise UserError(f"{folder} holds other files and no {FILE_NAME}: name a new folder")
    files.write_text(file, json.dumps(content, indent=2) + "\n")


def _describe(spec: Spec) -> dict[str, Any]:
    """The content of `experiment.json`."""
    datasets = {}
    for name, dataset in spec.datasets.items():
        manifest = Manifest.load(dataset.path)
        datasets[name] = {
            **dataset.model_dump(),
            "distribution": manifest.distribution["name"],
            "fingerprint": fingerprint(Path(dataset.path), manifest),
            "oracle_sha256": dataset.oracle
            and hashlib.sha256(Path(dataset.oracle).read_bytes()).hexdigest(),
        }
    runs = [
        {
            "name": run.name,
            "dataset": run.dataset,
            **run.configuration._asdict(),
            "rank": run.configuration.rank or None,
            "seed": run.seed,
            "workdir": f"runs/{run.path}",
            "evaluation": run.evaluation,
        }
        for run in spec.runs
    ]
    sections = spec.model_dump(include={"split", "train", "evaluate"})
    return {"datasets": datasets, **sections, "runs": runs}


def _settings(content: Mapping[str, Any]) -> dict[str, str]:
    """What `experiment.json` says that may not change, by dotted keys."""
    settings = {"split": content["split"]}
    for section in ("train", "evaluate"):
        settings |= {f"{section}.{name}": value for name, value in content[section].items()}
    for name, dataset in content["datasets"].items():
        for key in ("fingerprint", "oracle_sha256"):
            settings[f"datasets.{name}.{key}"] = dataset[key]
    return settings | {f"runs.{run['dataset']}/{run['name']}": "made" for run in content["runs"]}
