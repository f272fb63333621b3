"""Callbacks of a run: what they save, what they print, and when they end it.

The loop updates the run's state before it calls them, in the order of `tagkeras.train.train`.
"""

import csv
import io
import json
import math
import time
from collections.abc import Callable
from pathlib import Path

import keras

from tagkeras.cli import files
from tagkeras.cli.errors import UserError
from tagkeras.models import HashtagModel
from tagkeras.train.average import WeightAverage
from tagkeras.train.checkpoints import CheckpointFolder, RunState, write_errors
from tagkeras.train.learning_rate import LearningRateSchedule
from tagkeras.train.loop import keep_means, read_scalar
from tagkeras.train.model import training_checkpoint, weights_checkpoint
from tagkeras.train.tables import find_non_finite
from tagkeras.train.workdir import Workdir

# Epochs are compared by the first metric of this name; its k is that of a small vocabulary.
MONITOR = "val_R@"
# Seconds between two lines of progress.
LINE_INTERVAL = 60.0


class SaveCheckpoints(keras.callbacks.Callback):
    """Saves the run after each epoch and every few minutes, and restores it.

    A run that diverged is never saved, but ended.

    `checkpoints/step-N` holds weights, optimizers and state; `best/` only the weights, of the epoch
    with the best validation R@10 (the last epoch without validation posts), as the `average` has
    them. Checkpoints within an epoch are some `minutes` apart; 0 for none.

    Of several workers that train together one `writes`, but all have to call, since some values are
    read from all of them; `any_worker` says whether a condition holds on any, so that all save at
    the same step.
    """

    def __init__(
        self,
        workdir: Workdir,
        model: HashtagModel,
        schedule: LearningRateSchedule,
        average: WeightAverage,
        *,
        minutes: float = 0,
        writes: bool = True,
        any_worker: Callable[[bool], bool] = bool,
    ) -> None:
        super().__init__()
        self._best = workdir.best
        self._schedule = schedule
        self._seconds = minutes * 60
        self._writes = writes
        self._any_worker = any_worker
        self._weights = weights_checkpoint(model)
        self._average = average
        variables = training_checkpoint(model)
        variables.average = average.means
        self._folder = CheckpointFolder(workdir.checkpoints, variables)
        self._state = RunState(steps_per_epoch=0)
        self._saved_at = time.monotonic()

    def restore(self, steps_per_epoch: int) -> RunState:
        """Restores the newest readable checkpoint; returns the state to keep up to date.

        Args:
            steps_per_epoch: of the training posts, for a run without checkpoints.

        Raises:
            UserError: there are checkpoints and none can be read.
        """
        state = self._folder.restore() or RunState(steps_per_epoch=steps_per_epoch)
        self._schedule.state.update(state.schedule)
        self._state = state
        return state

    def on_train_begin(self, logs: dict[str, float] | None = None) -> None:
        """Starts the clock."""
        self._saved_at = time.monotonic()

    def on_train_batch_end(self, batch: int, logs: dict[str, float] | None = None) -> None:
        """Saves the run if it is time; the end of an epoch is saved after its validation.

        Raises:
            UserError: the loss or a weight is not finite.
        """
        loss = (logs or {}).get("loss", 0.0)
        if not math.isfinite(loss):  # the mean of the epoch, which one bad step spoils for good
            raise self._diverged(f"the loss is {loss}")
        is_time = 0 < self._seconds <= time.monotonic() - self._saved_at
        if self._state.step < self._state.steps_per_epoch and self._any_worker(is_time):
            self._check_weights()
            self._save()

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Saves the best first: a run that is killed in between repeats the epoch."""
        self._check_weights()
        logs = logs or {}
        value = next((logs[name] for name in logs if name.startswith(MONITOR)), float(epoch))
        if self._state.best is None or value > self._state.best:
            self._state.best, self._state.best_epoch = value, epoch + 1
            if self._writes:
                with self._average.in_use(self._state):
                    self._save_best(epoch + 1, logs)
        self._save()

    def _save(self) -> None:
        keep_means(self.model, self._state)
        self._state.schedule = dict(self._schedule.state)
        if self._writes:
            self._folder.save(self._state)
        self._saved_at = time.monotonic()

    def _save_best(self, epoch: int, logs: dict[str, float]) -> None:
        with write_errors(self._best), files.written_aside(self._best) as aside:
            aside.mkdir()
            self._weights.write(str(aside / "model"))
            (aside / "epoch.json").write_text(json.dumps({"epoch": epoch, **logs}, indent=2))

    def _check_weights(self) -> None:
        if name := find_non_finite(self.model):
            raise self._diverged(f"{name} has values that are not finite")

    def _diverged(self, what: str) -> UserError:
        return UserError(
            f"{what} after {self._state}: start again with a lower --learning_rate in another"
            " --workdir (the checkpoints before it are kept)"
        )


class WriteHistory(keras.callbacks.Callback):
    """Writes a line for each epoch to `history.csv`.

    Of a run that resumes it keeps `epochs_done` lines; later ones are of an epoch to be redone.

    Raises:
        UserError: the file of a run that resumes is damaged.
    """

    def __init__(self, path: Path, epochs_done: int) -> None:
        super().__init__()
        self._path = path
        self._rows = _read_history(path, epochs_done) if epochs_done and path.exists() else []

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Adds the epoch."""
        rate = read_scalar(self.model.optimizer.learning_rate)
        values = {**(logs or {}), "learning_rate": rate}
        self._rows.append(
            {"epoch": str(epoch + 1), **{name: f"{value:.6g}" for name, value in values.items()}}
        )
        text = io.StringIO()
        writer = csv.DictWriter(text, fieldnames=list(self._rows[-1]), extrasaction="ignore")
        writer.writeheader()
        writer.writerows(self._rows)
        with write_errors(self._path):
            files.write_text(self._path, text.getvalue())


class StopWithoutProgress(keras.callbacks.Callback):
    """Stops after `patience` epochs without a better validation R@10; 0 waits for ever.

    Which epoch is the best is part of the run's state, so that a resumed run stops where an
    uninterrupted one does.
    """

    def __init__(self, state: RunState, patience: int) -> None:
        super().__init__()
        self._state = state
        self._patience = patience

    @property
    def is_over(self) -> bool:
        """Whether the run has waited long enough."""
        return 0 < self._patience <= self._state.epoch - self._state.best_epoch

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Stops the run, and says so."""
        if self.is_over:
            self.model.stop_training = True
            print(
                f"stopping after epoch {epoch + 1}: no better validation R@10"
                f" since epoch {self._state.best_epoch}",
                flush=True,
            )


class PrintProgress(keras.callbacks.Callback):
    """Prints step, loss, posts per second and time left once a minute, for want of a terminal."""

    def __init__(self, state: RunState, batch_size: int) -> None:
        super().__init__()
        self._state = state
        self._batch_size = batch_size

    def on_epoch_begin(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Starts the clock."""
        self._first_step = self._state.step
        self._started = self._printed = time.monotonic()

    def on_train_batch_end(self, batch: int, logs: dict[str, float] | None = None) -> None:
        """Prints the line if it is time."""
        now = time.monotonic()
        step, steps = self._state.step, self._state.steps_per_epoch
        if now - self._printed < LINE_INTERVAL or step >= steps:
            return
        self._printed = now
        seconds_per_step = (now - self._started) / (step - self._first_step)
        left = int((steps - step) * seconds_per_step)
        print(
            f"epoch {self._state.epoch + 1}: step {step:,} of {steps:,},"
            f" loss {(logs or {}).get('loss', float('nan')):.4f},"
            f" {self._batch_size / seconds_per_step:,.0f} posts/s,"
            f" {left // 3600}:{left // 60 % 60:02}:{left % 60:02} left",
            flush=True,
        )


def _read_history(path: Path, epochs_done: int) -> list[dict[str, str]]:
    """The lines of the epochs that are done; a `UserError` if they are damaged."""
    try:
        text = path.read_bytes().decode("utf-8")
        rows = list(csv.DictReader(io.StringIO(text, newline=""), strict=True))
        rows = [row for row in rows if int(row["epoch"]) <= epochs_done]
        numbers = [int(row["epoch"]) for row in rows]
        # The first ones are missing where the file was removed once.
        expected = list(range(epochs_done - len(rows) + 1, epochs_done + 1))
        is_whole = bool(rows) and text.endswith("\n") and numbers == expected
        for row in rows:
            [float(value) for value in row.values()]
    except (ValueError, TypeError, KeyError, csv.Error):
        is_whole = False
    if not is_whole:
        raise UserError(
            f"{path} is damaged: it does not list the {epochs_done} epochs that are done; restore"
            " a copy, or remove it to resume without these lines"
        )
    return rows
