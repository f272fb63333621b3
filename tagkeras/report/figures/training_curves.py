"""Loss and validation metrics by epoch, of one run or several."""

from collections.abc import Mapping

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from tagkeras.report.figures.head import legend_handles, set_head
from tagkeras.report.figures.looks import Look, looks_of
from tagkeras.report.figures.marks import set_percent
from tagkeras.report.plotting import new_figure, styled

_PREFIX = "val_"
# Panels in this order; other metrics after them.
_FIRST = ("P@1", "R@10", "A@10")


@styled
def draw_training_curves(
    histories: Mapping[str, Mapping[str, np.ndarray]], *, title: str = "Training, epoch by epoch"
) -> Figure:
    """Draws a panel for the loss and one for each validation metric, a line a run.

    Args:
        histories: by name of the run, the columns of `read_history`.
        title: of the figure.

    Raises:
        ValueError: there is no run, or a run without an epoch or without a loss.
    """
    if not histories:
        raise ValueError("there are no runs to draw")
    for name, history in histories.items():
        if not {"epoch", "loss"} <= set(history) or len(history["epoch"]) == 0:
            raise ValueError(f"{name} has no epochs to draw")
    columns = ["loss", *_metric_columns(histories)]
    looks = looks_of(histories)
    num_rows = -(-len(columns) // 2)
    figure = new_figure(1.95 * num_rows)
    grid = figure.subplots(num_rows, 2, squeeze=False, sharex=True)
    for axes in grid.flat[len(columns) :]:
        axes.set_visible(False)
    for axes, column in zip(grid.flat, columns, strict=False):
        axes.set_title("loss" if column == "loss" else f"validation {column[len(_PREFIX) :]}")
        for name, history in histories.items():
            if column in history:
                _draw_line(axes, history["epoch"], history[column], looks[name])
        axes.xaxis.set_major_locator(MaxNLocator(5, integer=True, min_n_ticks=1))
        if column != "loss":
            set_percent(axes.yaxis, 5)
    for number, axes in enumerate(grid.flat):
        if number < len(columns) <= number + 2:
            axes.set_xlabel("epoch")
            axes.tick_params(labelbottom=True)
    set_head(figure, title, legend_handles(list(looks.values()), with_lines=True))
    return figure


def _metric_columns(histories: Mapping[str, Mapping[str, np.ndarray]]) -> list[str]:
    """The validation metrics that there are."""
    there = {
        column
        for history in histories.values()
        for column in history
        if column.startswith(_PREFIX) and "@" in column
    }
    first = [_PREFIX + name for name in _FIRST if _PREFIX + name in there]
    return first + sorted(there - set(first))


def _draw_line(axes: Axes, epochs: np.ndarray, values: np.ndarray, look: Look) -> None:
    axes.plot(
        epochs, values, linestyle=look.line, markevery=_marked(len(epochs)), **look.marker_style
    )


def _marked(length: int) -> list[int]:
    """Some 6 places of a line that have a marker, the last one among them."""
    step = -(-length // 6)
    return sorted(range(length - 1, -1, -step))
