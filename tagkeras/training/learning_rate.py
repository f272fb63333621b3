"""Learning-rate schedules, epoch by epoch, for the dense and the row optimizer together."""

import keras
import tensorflow as tf

from tagkeras.models.hashtag_model import HashtagModel

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
        # What a checkpoint has to bring back.
        self.state = tf.train.Checkpoint()

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
        factor: what the rate is multiplied by then.
    """

    def __init__(self, learning_rate: float, *, patience: int = 2, decay: float = 0.1) -> None:
        super().__init__(learning_rate)
        self.patience = patience
        self.decay = decay
        self.best = tf.Variable(-1.0, trainable=False)
        self.waited = tf.Variable(0, trainable=False)
        self.falls = tf.Variable(0, trainable=False)
        self.state = tf.train.Checkpoint(best=self.best, waited=self.waited, falls=self.falls)

    def factor(self, epoch: int) -> float:
        """See `LearningRateSchedule.factor`."""
        del epoch
        return self.decay ** int(self.falls)

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Looks at validation P@1."""
        precision = (logs or {})["val_P@1"]
        if precision > float(self.best):
            self.best.assign(precision)
            self.waited.assign(0)
        elif int(self.waited.assign_add(1)) >= self.patience:
            self.falls.assign_add(1)
            self.waited.assign(0)


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
