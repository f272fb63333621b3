"""The epochs of a run, as `tagkeras.train.history` writes them."""

import csv
import io
from pathlib import Path

import numpy as np

from tagkeras.cli.errors import UserError


def read_history(path: Path) -> dict[str, np.ndarray]:
    """Reads `history.csv` of a workdir.

    Args:
        path: of the file.

    Returns:
        By the name of the column, float64 [E]; E may be 0.

    Raises:
        UserError: no such file, or it does not hold rows of numbers.
    """
    try:
        text = path.read_bytes().decode("utf-8")
    except OSError as error:
        raise UserError(
            f"{path}: {error.strerror}: name the workdir of a run of python -m tagkeras.train that"
            " has done an epoch"
        ) from error
    except UnicodeDecodeError as error:
        raise UserError(f"{path} is damaged: not UTF-8; put back a copy") from error
    try:
        names, *rows = csv.reader(io.StringIO(text, newline=""), strict=True)
        columns = list(zip(*rows, strict=True)) if rows else [() for _ in names]
        history = {
            name: np.array([float(value) for value in column])
            for name, column in zip(names, columns, strict=True)
        }
    except (ValueError, csv.Error) as error:
        raise UserError(f"{path} is damaged: it does not hold rows of numbers") from error
    if "epoch" not in history:
        raise UserError(f"{path} is damaged: it has no column epoch")
    return history
