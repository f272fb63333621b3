"""The epochs of a run as a CSV file."""

import csv
import io

import keras

from tagkeras import files
from tagkeras.training.workdir import Workdir


class History(keras.callbacks.Callback):
    """Writes a line for each epoch to `history.csv`.

    Args:
        workdir: of the run.
        epochs_done: lines to keep of a run that goes on; later ones are of an epoch to be redone.
    """

    def __init__(self, workdir: Workdir, epochs_done: int) -> None:
        super().__init__()
        self._path = workdir.history
        self._rows: list[dict[str, str]] = []
        if epochs_done and self._path.exists():
            with self._path.open(encoding="utf-8", newline="") as lines:
                self._rows = list(csv.DictReader(lines))[:epochs_done]

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Adds the epoch."""
        rate = float(self.model.optimizer.learning_rate)
        values = {**(logs or {}), "learning_rate": rate}
        self._rows.append(
            {"epoch": str(epoch + 1), **{name: f"{value:.6g}" for name, value in values.items()}}
        )
        text = io.StringIO()
        writer = csv.DictWriter(text, fieldnames=list(self._rows[-1]), extrasaction="ignore")
        writer.writeheader()
        writer.writerows(self._rows)
        files.write_text(self._path, text.getvalue())
