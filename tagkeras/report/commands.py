"""Commands that make a run and its evaluation again."""

import dataclasses
import shlex
from collections.abc import Mapping, Sequence
from typing import Any

from tagkeras.report.runs import Run
from tagkeras.train.config import Config

_PLACES = ("data", "workdir")


def differing_flags(config: Mapping[str, Any]) -> dict[str, Any]:
    """The flags of a run of `tagkeras.train` that are not at their defaults.

    Args:
        config: content of the workdir's `config.json`.

    Returns:
        Value by name, without the folders.
    """
    return {
        field.name: config[field.name]
        for field in dataclasses.fields(Config)
        if field.name in config
        and field.name not in _PLACES
        and config[field.name] != field.default
    }


def train_command(config: Mapping[str, Any]) -> str:
    """The command of a run, with the flags that are not at their defaults."""
    flags = {name: config[name] for name in _PLACES if name in config} | differing_flags(config)
    return show("tagkeras.train", flags)


def evaluate_command(run: Run) -> str:
    """The command of an evaluation."""
    metrics = run.metrics
    flags: dict[str, Any] = {
        "workdir": metrics["workdir"],
        "data": metrics["dataset"]["path"],
        "split": metrics["split"],
        "output": str(run.evaluation.path),
    }
    return show("tagkeras.evaluate", flags | metrics.get("options", {}))


def show(module: str, flags: Mapping[str, Any]) -> str:
    """`python -m module --name=value ...`, as a shell takes it, a flag a line."""
    return lines_of(["python", "-m", module, *(_flag(*flag) for flag in flags.items())])


def lines_of(argv: Sequence[str]) -> str:
    """A command as a shell takes it, a new line for each flag."""
    text = ""
    for word in argv:
        text += (
            f" \\\n    {shlex.quote(word)}" if word.startswith("--") else f" {shlex.quote(word)}"
        )
    return text.strip()


def _flag(name: str, value: Any) -> str:
    if isinstance(value, bool):
        return f"--{name}" if value else f"--no{name}"
    if isinstance(value, list):
        value = ",".join(map(str, value))
    return f"--{name}={value}"
