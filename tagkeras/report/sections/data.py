"""What the data and the models were, counts that add up, commands to make them again."""

import dataclasses
import importlib.metadata
import platform
from collections.abc import Mapping
from typing import Any

from tagkeras import __version__
from tagkeras.data.manifest import Manifest
from tagkeras.report.formats import command_lines
from tagkeras.report.inputs import Inputs
from tagkeras.report.runs import Run
from tagkeras.train.config import Config as TrainConfig

_LIBRARIES = ("tensorflow", "keras", "numpy", "matplotlib", "scikit-learn")
_FOLDERS = ("data", "workdir")


def build(inputs: Inputs) -> dict[str, Any]:
    """All that is recorded of datasets and runs."""
    return {
        "datasets": [
            {
                "group": group,
                "metrics": group.first.metrics["dataset"],
                "manifest": group.first.manifest,
                "posts": posts_by_outcome(group.first.manifest),
            }
            for group in inputs.groups
        ],
        "runs": [
            {"name": name, "group": group, **_describe(run)}
            for group in inputs.groups
            for name, run in group.runs.items()
        ],
        "command": inputs.command,
        "versions": {
            "tagkeras": __version__,
            "python": platform.python_version(),
            **{library: importlib.metadata.version(library) for library in _LIBRARIES},
        },
    }


def posts_by_outcome(manifest: Manifest | None) -> list[tuple[str, str, int]]:
    """What became of the posts that were read: outcome, reason, number; empty if not recorded."""
    if manifest is None or not manifest.counts:
        return []
    return [
        *((f"{split} split", "", posts["posts"]) for split, posts in manifest.splits.items()),
        *(("rejected", reason, number) for reason, number in manifest.counts["rejected"].items()),
        *(("dropped", rule, number) for rule, number in manifest.counts["dropped"].items()),
    ]


def _describe(run: Run) -> dict[str, Any]:
    """The epoch, flags and commands of a run; flags are None if its workdir is gone."""
    metrics = run.metrics
    config = run.workdir.config() if run.workdir else None
    has_added_tags = bool(run.workdir and run.workdir.added_tags())
    evaluated = {
        "workdir": metrics["workdir"],
        "data": metrics["dataset"]["path"],
        "split": metrics["split"],
        "output": run.evaluation.path,
        **metrics.get("options", {}),
    }
    commands = [command_of("tagkeras.evaluate", evaluated)]
    if config is not None and not has_added_tags:
        folders = {name: config[name] for name in _FOLDERS if name in config}
        commands.insert(0, command_of("tagkeras.train", folders | differing_flags(config)))
    return {
        "epoch": metrics["epoch"],
        "workdir": metrics["workdir"],
        "flags": None if config is None else _as_flags(differing_flags(config)),
        "has_added_tags": has_added_tags,
        "commands": "\n".join(commands),
    }


def differing_flags(config: Mapping[str, Any]) -> dict[str, Any]:
    """The flags of a run of `tagkeras.train`, but for folders, that are not at their defaults."""
    defaults = {field.name: field.default for field in dataclasses.fields(TrainConfig)}
    return {
        name: config[name]
        for name, default in defaults.items()
        if name in config and name not in _FOLDERS and config[name] != default
    }


def command_of(module: str, flags: Mapping[str, Any]) -> str:
    """`python -m module --name=value ...` as a shell takes it, a flag a line."""
    return command_lines(["python", "-m", module, *_as_flags(flags)])


def _as_flags(values: Mapping[str, Any]) -> list[str]:
    flags = []
    for name, value in values.items():
        if isinstance(value, bool):
            flags.append(f"--{name}" if value else f"--no{name}")
        else:
            text = ",".join(map(str, value)) if isinstance(value, list) else value
            flags.append(f"--{name}={text}")
    return flags
