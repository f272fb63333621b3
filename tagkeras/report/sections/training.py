"""How training went: loss and validation metrics by epoch."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from tagkeras.cli.errors import UserError
from tagkeras.report import formats
from tagkeras.report.drawing import draw_line, legend_entry, new_panels, set_head, set_percent
from tagkeras.report.inputs import Inputs, Omitted
from tagkeras.report.runs import RunGroup
from tagkeras.report.style import figure_style, series_styles

_VALIDATION = "val_"
# Panels in this order; other metrics after them.
_FIRST = ("loss", "val_P@1", "val_R@10", "val_A@10")


def build(inputs: Inputs, group: RunGroup) -> dict[str, Any]:
    """Curves of the runs whose history is there, and the epoch of each that was evaluated."""
    workdirs = {
        name: run.workdir
        for name, run in group.shown.items()
        if run.workdir and run.workdir.history.is_file()
    }
    if not workdirs:
        raise Omitted("the workdirs of the runs, which hold history.csv, are not there.")
    histories = {name: read_history(workdir.history) for name, workdir in workdirs.items()}
    best = {name: workdir.best_epoch() for name, workdir in workdirs.items()}
    metrics = [
        metric
        for metric in next(iter(best.values()))
        if metric.startswith(_VALIDATION) and all(metric in epoch for epoch in best.values())
    ]
    figure = draw_training_curves(histories)
    return {
        "figure": inputs.figures.add(figure, f"training-{formats.slug(group.name)}"),
        "metrics": {metric: metric.replace(_VALIDATION, "validation ") for metric in metrics},
        "best": best,
        "epochs": {name: len(history["epoch"]) for name, history in histories.items()},
        "missing": [name for name in group.shown if name not in workdirs],
    }


def read_history(path: Path) -> dict[str, np.ndarray]:
    """Reads `history.csv` of a workdir: float64 [epochs] by the name of the column.

    Raises:
        UserError: it does not hold rows of numbers.
    """
    try:
        table = pyarrow.csv.read_csv(path)
        history = {name: table[name].cast(pa.float64()).to_numpy() for name in table.column_names}
    except pa.ArrowException as error:
        raise UserError(f"{path} is damaged: it does not hold rows of numbers") from error
    if not {"epoch", "loss"} <= history.keys():
        raise UserError(f"{path} is damaged: it lacks the column epoch or loss")
    return history


@figure_style()
def draw_training_curves(histories: Mapping[str, Mapping[str, np.ndarray]]) -> Figure:
    """Draws a panel for the loss and one for each validation metric, a line for each run."""
    present = {name for history in histories.values() for name in history}
    metrics = sorted(n for n in present if n.startswith(_VALIDATION) and "@" in n)
    columns = list(dict.fromkeys([*(name for name in _FIRST if name in present), *metrics]))
    styles = series_styles(histories)
    figure, panels = new_panels(len(columns), 1.95, sharex=True)
    for axes, column in zip(panels, columns, strict=True):
        axes.set_title(column.replace(_VALIDATION, "validation "))
        for name, history in histories.items():
            if column in history:
                draw_line(axes, history["epoch"], history[column], styles[name])
        axes.xaxis.set_major_locator(MaxNLocator(5, integer=True, min_n_ticks=1))
        if column != "loss":
            set_percent(axes.yaxis, 5)
    for axes in panels[-2:]:
        axes.set_xlabel("epoch")
    set_head(figure, "Training, epoch by epoch", [legend_entry(s) for s in styles.values()])
    return figure
