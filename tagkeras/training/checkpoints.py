"""Checkpoints of a run: the last epochs, to go on from, and the best, to use."""

import json

import keras
import tensorflow as tf

from tagkeras import files
from tagkeras.models.hashtag_model import HashtagModel
from tagkeras.training.learning_rate import LearningRateSchedule
from tagkeras.training.workdir import Workdir

KEEP = 3
MONITOR = "val_R@10"


class Checkpoints(keras.callbacks.Callback):
    """Saves the run after each epoch, and restores it.

    `checkpoints/epoch-N` holds the weights, the optimizers' state and the schedule's; `best/` the
    weights of the epoch with the best validation R@10 (of the last epoch without validation posts).

    Args:
        workdir: where to.
        model: built and compiled.
        schedule: whose state is part of the run.
    """

    def __init__(
        self, workdir: Workdir, model: HashtagModel, schedule: LearningRateSchedule
    ) -> None:
        super().__init__()
        self._workdir = workdir
        self.epoch = tf.Variable(0, trainable=False, dtype=tf.int64)
        self.best = tf.Variable(-1.0, trainable=False)
        self._run = tf.train.Checkpoint(
            model=model,
            optimizer=model.optimizer,
            row_optimizer=model.row_optimizer,
            schedule=schedule.state,
            epoch=self.epoch,
            best=self.best,
        )
        self._manager = tf.train.CheckpointManager(
            self._run, str(workdir.checkpoints), max_to_keep=KEEP, checkpoint_name="epoch"
        )

    def restore(self) -> int:
        """Restores the newest checkpoint; the number of epochs done, 0 without one."""
        if self._manager.latest_checkpoint:
            status = self._run.restore(self._manager.latest_checkpoint)
            status.assert_existing_objects_matched()
        return int(self.epoch)

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Saves the best first: a run that is killed in between does the epoch again."""
        value = (logs or {}).get(self.monitor(logs or {}), epoch)
        if value > float(self.best):
            self.best.assign(value)
            self._save_best(epoch + 1, logs or {})
        self.epoch.assign(epoch + 1)
        self._manager.save(checkpoint_number=epoch + 1)

    @staticmethod
    def monitor(logs: dict[str, float]) -> str:
        """The name of the validation recall in an epoch's logs."""
        return next((name for name in logs if name.startswith("val_R@")), MONITOR)

    def _save_best(self, epoch: int, logs: dict[str, float]) -> None:
        with files.written_aside(self._workdir.best) as aside:
            aside.mkdir()
            tf.train.Checkpoint(model=self._run.model).write(str(aside / "model"))
            values = {name: float(value) for name, value in logs.items()}
            (aside / "epoch.json").write_text(json.dumps({"epoch": epoch, **values}, indent=2))
