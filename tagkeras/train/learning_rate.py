"""The learning rate of each epoch."""

from typing import Any

import keras

from tagkeras.models import HashtagModel

# Of the plateau schedule: epochs without a better P@1 before the rate falls, and to how much of it.
PATIENCE, DECAY = 2, 0.1


class LearningRateSchedule(keras.callbacks.Callback):
    """Sets the learning rate before each epoch.

    - `linear`: from the full rate in the first epoch down to 1 / epochs of it in the last.
    - `hold`: the full rate in the first half of the epochs, then linear.
    - `plateau`: a tenth each time that validation P@1 stops improving (Denton et al., section 5.2),
      from when on some positive has no violator: before, the model has not begun to learn.
    - `constant`: the full rate.

    The full rate is that of the first epoch; the epochs are those of the whole run.
    """

    model: HashtagModel

    def __init__(self, name: str, *, learning_rate: float, epochs: int) -> None:
        super().__init__()
        self.name = name
        self.learning_rate = learning_rate
        self.epochs = epochs
        # What a checkpoint has to bring back, as JSON.
        self.state: dict[str, Any] = {}
        if name == "plateau":
            self.state = {"best": -1.0, "waited": 0, "falls": 0}

    def factor(self, epoch: int) -> float:
        """The multiple of the first epoch's rate in this epoch, counted from 0."""
        if self.name == "linear":
            return 1 - epoch / self.epochs
        if self.name == "hold":
            return min(1.0, 2 * (1 - epoch / self.epochs))
        if self.name == "plateau":
            return DECAY ** self.state["falls"]
        return 1.0

    def on_epoch_begin(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Assigns the rate, by which the tag table's row optimizer steps as well."""
        self.model.optimizer.learning_rate.assign(self.learning_rate * self.factor(epoch))

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Compares validation P@1 with the best so far."""
        if self.name != "plateau":
            return
        logs = logs or {}
        if logs.get("violator_share", 0) >= 1:
            return
        precision = logs["val_P@1"]
        self.state["waited"] += 1
        if precision > self.state["best"]:
            self.state.update(best=precision, waited=0)
        elif self.state["waited"] >= PATIENCE:
            self.state["falls"] += 1
            self.state["waited"] = 0
