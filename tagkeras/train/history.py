"""The epochs of a run as a CSV file."""

import csv
import io
from pathlib import Path

import keras

from tagkeras.cli import files
from tagkeras.cli.errors import UserError
from tagkeras.train.checkpoint_folder import named_write_errors
from tagkeras.train.scalars import read_scalar
from tagkeras.train.workdir import Workdir


class History(keras.callbacks.Callback):
    """Writes a line for each epoch to `history.csv`.

    Args:
        workdir: of the run.
        epochs_done: lines to keep of a run that goes on; later ones are of an epoch to be redone.

    Raises:
        UserError: the file of a run that goes on is damaged.
    """

    def __init__(self, workdir: Workdir, epochs_done: int) -> None:
        super().__init__()
        self._path = workdir.history
        self._rows = _read_rows(self._path, epochs_done) if epochs_done else []

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
        with named_write_errors(self._path):
            files.write_text(self._path, text.getvalue())


def _read_rows(path: Path, epochs_done: int) -> list[dict[str, str]]:
    """The lines of the epochs that are done; none if the file is gone.

    Raises:
        UserError: they are not all there, or no numbers.
    """
    if not path.exists():
        return []
    try:
        text = path.read_bytes().decode("utf-8")
        rows = list(csv.DictReader(io.StringIO(text, newline=""), strict=True))
        rows = [row for row in rows if int(row["epoch"]) <= epochs_done]
        # The first ones are missing where the file was removed once.
        first = epochs_done - len(rows) + 1
        numbers = [int(row["epoch"]) for row in rows]
        is_whole = (
            bool(rows) and text.endswith("\n") and numbers == list(range(first, epochs_done + 1))
        )
        for row in rows:
            [float(value) for value in row.values()]
    except (ValueError, TypeError, KeyError, csv.Error):
        is_whole = False
    if not is_whole:
        raise UserError(
            f"{path} is damaged: it does not list the {epochs_done} epochs that are done; put back"
            " a copy, or remove it to go on without these lines"
        )
    return rows
