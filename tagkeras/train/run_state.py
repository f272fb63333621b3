"""Where a run is: what a checkpoint has to bring back besides weights and optimizers."""

import dataclasses
from typing import Any

import keras

from tagkeras.cli.errors import UserError
from tagkeras.models import HashtagModel
from tagkeras.train.scalars import read_scalar


@dataclasses.dataclass(kw_only=True)
class RunState:
    """The state of a run between two steps; draws and the order of posts follow from it.

    Attributes:
        steps_per_epoch: batches in an epoch.
        epoch: epochs done.
        step: steps done of the epoch after those.
        global_step: steps done in all.
        best: the best epoch's value of what epochs are compared by; None before the first.
        best_epoch: number of that epoch, from 1; 0 before the first.
        means: of the epoch that is under way, the variables of its metrics by name.
        schedule: state of the learning-rate schedule.
    """

    steps_per_epoch: int
    epoch: int = 0
    step: int = 0
    global_step: int = 0
    best: float | None = None
    best_epoch: int = 0
    means: dict[str, list[float]] = dataclasses.field(default_factory=dict)
    schedule: dict[str, Any] = dataclasses.field(default_factory=dict)

    def __str__(self) -> str:
        """Words that follow "after"."""
        if self.step:
            return f"step {self.step} of {self.steps_per_epoch} of epoch {self.epoch + 1}"
        return f"epoch {self.epoch}"

    def keep_means(self, model: HashtagModel) -> None:
        """Takes over the running means of the epoch from the model."""
        self.means = {
            metric.name: [read_scalar(variable) for variable in metric.variables]
            for metric in model.training_metrics
        }

    def give_means(self, model: HashtagModel) -> None:
        """Undoes `keep_means`."""
        for metric in model.training_metrics:
            for variable, value in zip(
                metric.variables, self.means.get(metric.name, []), strict=False
            ):
                variable.assign(value)


class StepCounter(keras.callbacks.Callback):
    """Counts steps and epochs; stands before the callbacks that look at the state.

    The batch numbers that Keras gives start from 0 where `fit` started, be it in the middle of an
    epoch, and come in jumps where one call of the train function takes several steps.

    Args:
        state: to keep up to date.
    """

    def __init__(self, state: RunState) -> None:
        super().__init__()
        self._state = state
        self._first_step = 0

    def on_epoch_begin(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Gives an epoch that goes on its means back: Keras has just reset them."""
        del epoch, logs
        self._first_step = self._state.step
        if self._first_step:
            self._state.give_means(self.model)

    def on_train_batch_end(self, batch: int, logs: dict[str, float] | None = None) -> None:
        """Counts the steps up to this batch."""
        del logs
        state = self._state
        # The last jump of an epoch is announced in full, however few steps were left.
        step = min(self._first_step + batch + 1, state.steps_per_epoch)
        state.global_step += step - state.step
        state.step = step

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Counts the epoch.

        Raises:
            UserError: it ended before its last step.
        """
        del logs
        if self._state.step != self._state.steps_per_epoch:
            raise UserError(
                f"the posts ended after {self._state}: the dataset changed; copy it anew, and the"
                " same command goes on"
            )
        self._state.epoch, self._state.step = epoch + 1, 0
