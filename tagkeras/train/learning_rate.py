"""Learning-rate schedules, epoch by epoch, for the dense and the row optimizer together."""

from typing import Any

import keras

from tagkeras.models import HashtagModel

SCHEDULES = ("linear", "plateau", "constant")


class LearningRateSchedule(keras.callbacks.Callback):
    """Sets the learning rate before each epoch; the base class keeps it constant.

    Args:
        learning_rate: of the first epoch.
    """

    model: HashtagModel

    def __init__(self, learning_rate: float) -> None:
        super().__init__()
        self.learning_rate = learning_rate
        # What a checkpoint has to bring back, as JSON.
        self.state: dict[str, Any] = {}

    def factor(self, epoch: int) -> float:
        """What to multiply the first epoch's rate by in this epoch, counted from 0."""
        del epoch
        return 1.0

    def on_epoch_begin(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Assigns the rate to both optimizers."""
        rate = self.learning_rate * self.factor(epoch)
        self.model.optimizer.learning_rate.assign(rate)
        self.model.row_optimizer.learning_rate.assign(rate)


class LinearDecay(LearningRateSchedule):
    """From the full rate in the first epoch down to 1 / epochs of it in the last.

    Args:
        learning_rate: of the first epoch.
        epochs: of the whole run.
    """

    def __init__(self, learning_rate: float, epochs: int) -> None:
        super().__init__(learning_rate)
        self.epochs = epochs

    def factor(self, epoch: int) -> float:
        """See `LearningRateSchedule.factor`."""
        return 1 - epoch / self.epochs


class Plateau(LearningRateSchedule):
    """Divides the rate by 10 when validation P@1 stops improving (Denton et al., section 5.2).

    Args:
        learning_rate: of the first epoch.
        patience: epochs without a better P@1 before the rate falls.
        decay: what the rate is multiplied by then.
    """

    def __init__(self, learning_rate: float, *, patience: int = 2, decay: float = 0.1) -> None:
        super().__init__(learning_rate)
        self.patience = patience
        self.decay = decay
        self.state = {"best": -1.0, "waited": 0, "falls": 0}

    def factor(self, epoch: int) -> float:
        """See `LearningRateSchedule.factor`."""
        del epoch
        return self.decay ** self.state["falls"]

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Looks at validation P@1."""
        del epoch
        precision = (logs or {})["val_P@1"]
        self.state["waited"] += 1
        if precision > self.state["best"]:
            self.state.update(best=precision, waited=0)
        elif self.state["waited"] >= self.patience:
            self.state["falls"] += 1
            self.state["waited"] = 0


def make_schedule(name: str, *, learning_rate: float, epochs: int) -> LearningRateSchedule:
    """The schedule of one of `SCHEDULES`.

    Raises:
        ValueError: the name is none of them.
    """
    match name:
        case "linear":
            return LinearDecay(learning_rate, epochs)
        case "plateau":
            return Plateau(learning_rate)
        case "constant":
            return LearningRateSchedule(learning_rate)
    raise ValueError(f"schedule must be one of {', '.join(SCHEDULES)}, received {name!r}")
