"""Logs for TensorBoard: losses, learning rate, norms, validation, and the tags for its projector.

Written by `tf.summary.write`: `tf.summary.scalar` and Keras's own callback need the `tensorboard`
package, which only the reader of the logs has to have.
"""

import math
import re

import keras
import numpy as np
import tensorflow as tf

from tagkeras.cli import files
from tagkeras.train.checkpoints import RunState, write_errors
from tagkeras.train.loop import read_scalar
from tagkeras.train.tables import row_norms
from tagkeras.train.workdir import Workdir

# Steps between two points of a curve within an epoch.
INTERVAL = 100
# Tags of the projector, which draws them in a browser.
MAX_PROJECTED = 10_000
# Makes TensorBoard draw a curve of the values.
_SCALAR = tf.compat.v1.SummaryMetadata(
    plugin_data=tf.compat.v1.SummaryMetadata.PluginData(plugin_name="scalars"),
    data_class=1,  # DATA_CLASS_SCALAR
)
_PROJECTOR = """embeddings {
  tensor_name: "tag_table"
  tensor_path: "tag_table.tsv"
  metadata_path: "metadata.tsv"
}
"""


class TensorBoardLog(keras.callbacks.Callback):
    """Writes `tensorboard/` in the workdir.

    `steps/...` are means over the last `INTERVAL` steps, by step; `epochs/...` the epoch's values,
    by epoch. Points that a resumed run writes again have the same values. Where several processes
    train together, one of them `writes`, as in `SaveCheckpoints`.
    """

    def __init__(self, workdir: Workdir, state: RunState, *, writes: bool = True) -> None:
        super().__init__()
        self._workdir = workdir
        self._state = state
        self._writes = writes
        self._writer: tf.summary.SummaryWriter | None = None

    def on_train_begin(self, logs: dict[str, float] | None = None) -> None:
        """Opens the log; writes the names that the projector shows."""
        if not self._writes:
            self._writer = tf.summary.create_noop_writer()
            return
        vocabulary = self._workdir.vocabulary()
        tags, counts = vocabulary.tags[:MAX_PROJECTED], vocabulary.counts[:MAX_PROJECTED]
        lines = [f"{tag}\t{count}" for tag, count in zip(tags, counts, strict=True)]
        folder = self._workdir.tensorboard
        with write_errors(folder):
            self._writer = tf.summary.create_file_writer(str(folder))
            files.write_text(folder / "metadata.tsv", "\n".join(["hashtag\tposts", *lines, ""]))
            files.write_text(folder / "projector_config.pbtxt", _PROJECTOR)

    def on_epoch_begin(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Restarts the means, in a resumed epoch from where it stopped."""
        self._totals = self._read_totals()
        self._last_point = self._state.global_step

    def on_train_batch_end(self, batch: int, logs: dict[str, float] | None = None) -> None:
        """Writes a point every `INTERVAL` steps."""
        step = self._state.global_step
        if step // INTERVAL == self._last_point // INTERVAL:
            return
        self._last_point = step
        before, self._totals = self._totals, self._read_totals()
        values = {
            name: (total - before[name][0]) / (count - before[name][1])
            for name, (total, count) in self._totals.items()
            if count > before[name][1]
        }
        self._write("steps", values, step)

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Writes the epoch's values, the norms and the projected tags."""
        if not self._writes:
            return
        mean, largest = row_norms(self.model.tag_table.value)
        norms = {
            re.sub(r"\W", "_", weight.name): float(tf.norm(weight.value))
            for weight in self.model.embedding.weights
        }
        norms |= {"tag_table_row_mean": mean, "tag_table_row_max": largest}
        rate = read_scalar(self.model.optimizer.learning_rate)
        self._write("epochs", {**(logs or {}), "learning_rate": rate}, epoch + 1)
        self._write("norms", norms, epoch + 1)
        number = min(MAX_PROJECTED, self.model.num_tags)
        rows = tf.gather(self.model.tag_table.value, tf.range(number)).numpy()
        path = self._workdir.tensorboard / "tag_table.tsv"
        with write_errors(path), files.written_aside(path) as aside:
            np.savetxt(aside, rows, fmt="%.6g", delimiter="\t")

    def _read_totals(self) -> dict[str, tuple[float, float]]:
        """Sum and weight of the epoch's means so far."""
        return {
            metric.name: (read_scalar(metric.total), read_scalar(metric.count))
            for metric in self.model.training_metrics
        }

    def _write(self, group: str, values: dict[str, float], step: int) -> None:
        assert self._writer is not None
        with write_errors(self._workdir.tensorboard), self._writer.as_default():
            for name, value in values.items():
                if math.isfinite(value):
                    tf.summary.write(f"{group}/{name}", value, step=step, metadata=_SCALAR)
            self._writer.flush()
