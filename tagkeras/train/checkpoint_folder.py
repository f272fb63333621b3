"""The folder with the last checkpoints of a run."""

import contextlib
import dataclasses
import json
from collections.abc import Iterator
from pathlib import Path

import tensorflow as tf
from google.protobuf.message import DecodeError

from tagkeras.cli import files
from tagkeras.cli.errors import UserError
from tagkeras.train.run_state import RunState
from tagkeras.train.workdir import STEP, list_checkpoints

KEEP = 3
_STATE = "state.json"
# What reading a damaged checkpoint ends with, according to where the damage is.
UNREADABLE = (
    OSError,
    tf.errors.OpError,
    ValueError,
    TypeError,
    LookupError,
    AssertionError,
    DecodeError,
)


class CheckpointFolder:
    """Folders `step-N`, each complete or absent: `variables.*` and `state.json`.

    `tf.train.CheckpointManager` trusts a file that lists the checkpoints, and starts over where
    that is lost; here the folder itself is the list.

    Args:
        path: of the folder; it may not exist yet.
        variables: what to save besides the state.
    """

    def __init__(self, path: Path, variables: tf.train.Checkpoint) -> None:
        self.path = path
        self._variables = variables

    def save(self, state: RunState) -> None:
        """Saves a checkpoint and removes the oldest.

        Raises:
            UserError: it cannot be written; nothing of it is left, and the others are as before.
        """
        target = self.path / f"{STEP}{state.global_step}"
        with named_write_errors(target), files.written_aside(target) as aside:
            aside.mkdir()
            self._variables.write(str(aside / "variables"))
            (aside / _STATE).write_text(json.dumps(dataclasses.asdict(state), indent=2) + "\n")
        checkpoints = list_checkpoints(self.path)
        # Those of later steps could not be read when this run went on.
        kept = [step for step in checkpoints if step <= state.global_step][-KEEP:]
        for step, path in checkpoints.items():
            if step not in kept:
                files.remove(path)

    def restore(self) -> RunState | None:
        """Restores the newest checkpoint that can be read, and names those that cannot.

        Returns:
            Its state; None if there are no checkpoints.

        Raises:
            UserError: none can be read; nothing was changed.
        """
        problems = []
        for path in reversed(list_checkpoints(self.path).values()):
            try:
                state = RunState(**json.loads((path / _STATE).read_text(encoding="utf-8")))
                status = self._variables.read(str(path / "variables"))
                status.assert_consumed()
            except UNREADABLE as error:
                problems.append(f"{path} cannot be read ({first_line(error)})")
                continue
            for problem in problems:
                print(f"{problem}: using {path.name}", flush=True)
            return state
        others = [p for p in self.path.glob("*") if not p.name.startswith(".")]
        if problems or others:
            problem = problems[0] if problems else f"{others[0]} is no checkpoint of this version"
            raise UserError(
                f"{problem}, nor can any other checkpoint: put back a copy of {self.path},"
                " or start again in another --workdir"
            )
        return None


@contextlib.contextmanager
def named_write_errors(path: Path) -> Iterator[None]:
    """Turns what a full disk raises in the block into one clear error.

    Args:
        path: of what is written.

    Raises:
        UserError: it could not be.
    """
    try:
        yield
    except (OSError, tf.errors.OpError) as error:
        raise UserError(
            f"{path} cannot be written ({first_line(error)}): make room or mend the disk;"
            " the same command then goes on from the checkpoint before"
        ) from error


def first_line(error: Exception) -> str:
    """The reason in an error's message, without the path that goes before it."""
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    lines = str(error).splitlines() or [type(error).__name__]
    return lines[0].split("; ")[-1].split(" [Op:")[0]
