"""Checkpoints of a run on disk, each complete or absent, and the state that they bring back."""

import contextlib
import dataclasses
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import tensorflow as tf
from google.protobuf.message import DecodeError

from tagkeras.cli import files
from tagkeras.cli.errors import UserError
from tagkeras.train.workdir import STEP, list_checkpoints

KEEP = 3
_STATE = "state.json"
# What reading a damaged checkpoint raises, depending on where the damage is.
_UNREADABLE = (
    OSError,
    tf.errors.OpError,
    ValueError,
    TypeError,
    LookupError,
    AssertionError,
    DecodeError,
)


class CheckpointError(Exception):
    """A checkpoint that cannot be read; the message is the reason in a few words."""


@dataclasses.dataclass(kw_only=True)
class RunState:
    """Where a run is between two steps; the order of posts and all draws follow from it.

    Attributes:
        steps_per_epoch: batches in an epoch.
        epoch: epochs done.
        step: steps done of the current epoch.
        global_step: steps done in all.
        best: the best epoch's value of the metric that epochs are compared by; None before the
            first.
        best_epoch: number of that epoch, from 1; 0 before the first.
        averaged: points in the average of the weights.
        means: the variables of the current epoch's metrics by the metric's name.
        schedule: state of the learning-rate schedule.
    """

    steps_per_epoch: int
    epoch: int = 0
    step: int = 0
    global_step: int = 0
    best: float | None = None
    best_epoch: int = 0
    averaged: int = 0
    means: dict[str, list[float]] = dataclasses.field(default_factory=dict)
    schedule: dict[str, Any] = dataclasses.field(default_factory=dict)

    def __str__(self) -> str:
        if self.step:
            return f"step {self.step} of {self.steps_per_epoch} of epoch {self.epoch + 1}"
        return f"epoch {self.epoch}"


class CheckpointFolder:
    """Folders `step-N`, each complete or absent, of `variables.*` and `state.json`.

    `tf.train.CheckpointManager` trusts a file that lists the checkpoints, and starts over where
    that is lost; here the folder itself, which may not exist yet, is the list.
    """

    def __init__(self, path: Path, variables: tf.train.Checkpoint) -> None:
        self.path = path
        self._variables = variables

    def save(self, state: RunState) -> None:
        """Saves a checkpoint and removes the oldest.

        Raises:
            UserError: it cannot be written; the others are as before.
        """
        target = self.path / f"{STEP}{state.global_step}"
        with write_errors(target), files.written_aside(target) as aside:
            aside.mkdir()
            self._variables.write(str(aside / "variables"))
            (aside / _STATE).write_text(json.dumps(dataclasses.asdict(state), indent=2) + "\n")
        checkpoints = list_checkpoints(self.path)
        # Those of later steps could not be read when this run resumed.
        kept = [step for step in checkpoints if step <= state.global_step][-KEEP:]
        for step, path in checkpoints.items():
            if step not in kept:
                files.remove(path)

    def restore(self) -> RunState | None:
        """Restores the newest readable checkpoint and returns its state; None if there is none.

        It names those that cannot be read.

        Raises:
            UserError: none can be read; nothing was changed.
        """
        problems = []
        for path in reversed(list_checkpoints(self.path).values()):
            try:
                with unreadable():
                    state = RunState(**json.loads((path / _STATE).read_text(encoding="utf-8")))
                read_checkpoint(self._variables, path / "variables")
            except CheckpointError as error:
                problems.append(f"{path} cannot be read ({error})")
                continue
            for problem in problems:
                print(f"{problem}: using {path.name}", flush=True)
            return state
        others = [p for p in self.path.glob("*") if not p.name.startswith(".")]
        if problems or others:
            problem = problems[0] if problems else f"{others[0]} is no checkpoint of this version"
            raise UserError(
                f"{problem}, nor can any other checkpoint: restore a copy of {self.path},"
                " or start again in another --workdir"
            )
        return None


def read_checkpoint(variables: tf.train.Checkpoint, prefix: Path) -> None:
    """Restores variables, all of which have to be there.

    Raises:
        CheckpointError: the checkpoint is damaged or has other variables.
    """
    with unreadable():
        status = variables.read(str(prefix))
        status.assert_existing_objects_matched()
        status.expect_partial()


@contextlib.contextmanager
def unreadable() -> Iterator[None]:
    """Turns what reading a damaged file raises in the block into a `CheckpointError`."""
    try:
        yield
    except _UNREADABLE as error:
        raise CheckpointError(_reason(error)) from error


@contextlib.contextmanager
def write_errors(path: Path) -> Iterator[None]:
    """Turns what a full disk raises in the block into a `UserError` that names the path."""
    try:
        yield
    except (OSError, tf.errors.OpError) as error:
        raise UserError(
            f"{path} cannot be written ({_reason(error)}): free some space or repair the disk;"
            " the same command then resumes from the checkpoint before"
        ) from error


def _reason(error: Exception) -> str:
    """The reason in an error's message, without the path that precedes it."""
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    lines = str(error).splitlines() or [type(error).__name__]
    return lines[0].split("; ")[-1].split(" [Op:")[0]
