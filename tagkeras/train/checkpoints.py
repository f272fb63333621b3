"""Checkpoints of a run: the last ones, to go on from, and the best epoch, to use."""

import json
import time
from collections.abc import Callable

import keras

from tagkeras.cli import files
from tagkeras.models import HashtagModel
from tagkeras.train.checkpoint_folder import CheckpointFolder, named_write_errors
from tagkeras.train.learning_rate import LearningRateSchedule
from tagkeras.train.run_state import RunState
from tagkeras.train.weights import make_weights_checkpoint, refuse_not_finite
from tagkeras.train.workdir import Workdir

MONITOR = "val_R@"


class Checkpoints(keras.callbacks.Callback):
    """Saves the run after each epoch and every few minutes, and restores it.

    `checkpoints/step-N` holds weights, optimizers and state, `best/` the weights alone of the epoch
    with the best validation R@10 (of the last epoch without validation posts).

    Args:
        workdir: where to.
        model: built and compiled.
        schedule: whose state is part of the run.
        minutes: between checkpoints within an epoch; 0 for none.
        writes: whether this process writes; of several workers that train together one does, and
            all have to come here, since some values are read from all of them.
        agree: makes the clocks of several workers one: see `make_agreement`.
    """

    def __init__(
        self,
        workdir: Workdir,
        model: HashtagModel,
        schedule: LearningRateSchedule,
        *,
        minutes: float = 0,
        writes: bool = True,
        agree: Callable[[bool], bool] = bool,
    ) -> None:
        super().__init__()
        self._workdir = workdir
        self._schedule = schedule
        self._seconds = minutes * 60
        self._writes = writes
        self._agree = agree
        self._weights = make_weights_checkpoint(model)
        everything = make_weights_checkpoint(
            model,
            optimizer=[variable.value for variable in model.optimizer.variables],
            row_optimizer=model.row_optimizer,
        )
        self._folder = CheckpointFolder(workdir.checkpoints, everything)
        self._state = RunState(steps_per_epoch=0)
        self._saved_at = time.monotonic()

    def restore(self, steps_per_epoch: int) -> RunState:
        """Restores the newest checkpoint that can be read; returns the state to keep up to date.

        Args:
            steps_per_epoch: of the training posts.

        Raises:
            UserError: there are checkpoints and none can be read.
        """
        state = self._folder.restore() or RunState(steps_per_epoch=steps_per_epoch)
        self._schedule.state.update(state.schedule)
        self._state = state
        return state

    def on_train_begin(self, logs: dict[str, float] | None = None) -> None:
        """Starts the clock."""
        del logs
        self._saved_at = time.monotonic()

    def on_train_batch_end(self, batch: int, logs: dict[str, float] | None = None) -> None:
        """Saves the run if it is time; the end of an epoch, validated, is saved in any case."""
        del batch, logs
        is_time = 0 < self._seconds <= time.monotonic() - self._saved_at
        if self._state.step < self._state.steps_per_epoch and self._agree(is_time):
            refuse_not_finite(self.model, str(self._state))
            self._save()

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Saves the best first: a run that is killed in between does the epoch again."""
        logs = logs or {}
        refuse_not_finite(self.model, str(self._state))
        value = next((logs[name] for name in logs if name.startswith(MONITOR)), float(epoch))
        if self._state.best is None or value > self._state.best:
            self._state.best, self._state.best_epoch = value, epoch + 1
            if self._writes:
                self._save_best(epoch + 1, logs)
        self._save()

    def _save(self) -> None:
        self._state.keep_means(self.model)
        self._state.schedule = dict(self._schedule.state)
        if self._writes:
            self._folder.save(self._state)
        self._saved_at = time.monotonic()

    def _save_best(self, epoch: int, logs: dict[str, float]) -> None:
        best = self._workdir.best
        with named_write_errors(best), files.written_aside(best) as aside:
            aside.mkdir()
            self._weights.write(str(aside / "model"))
            values = {name: float(value) for name, value in logs.items()}
            (aside / "epoch.json").write_text(json.dumps({"epoch": epoch, **values}, indent=2))
