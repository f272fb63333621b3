"""The metrics of models and baselines, with their intervals."""

import textwrap
from collections.abc import Mapping

from matplotlib.figure import Figure

from tagkeras.report.figures.estimate import Estimate
from tagkeras.report.figures.head import set_head
from tagkeras.report.figures.looks import looks_of
from tagkeras.report.figures.marks import (
    draw_dot,
    is_fraction,
    set_percent,
    set_rows,
    start_at_zero,
    write_beside,
    written,
)
from tagkeras.report.plotting import new_figure, styled


@styled
def draw_overall_metrics(
    metrics: Mapping[str, Mapping[str, Estimate]],
    *,
    title: str = "Models and baselines",
) -> Figure:
    """Draws a panel a metric and a row a way to rank: a dot, its interval, and the number.

    Args:
        metrics: by metric (`P@1`, ...) and name of the model or baseline.
        title: of the figure.

    Raises:
        ValueError: there is no metric, or one without a value.
    """
    if not metrics or not all(metrics.values()):
        raise ValueError("there are no metrics to draw")
    looks = looks_of(name for of_names in metrics.values() for name in of_names)
    labels = {name: textwrap.fill(look.label, 22) for name, look in looks.items()}
    row_height = 0.1 + 0.17 * max(1 + label.count("\n") for label in labels.values())
    heights = [row_height * len(of_names) for of_names in metrics.values()]
    figure = new_figure(sum(heights) + 0.62 * len(metrics))
    panels = figure.subplots(len(metrics), squeeze=False, height_ratios=heights)
    for axes, (metric, of_names) in zip(panels.flat, metrics.items(), strict=True):
        axes.set_title(metric if is_fraction(metric) else f"{metric} (bits)")
        for row, (name, estimate) in enumerate(of_names.items()):
            draw_dot(axes, row, estimate, looks[name])
            write_beside(axes, row, written(metric, estimate.value))
        set_rows(axes, [labels[name] for name in of_names])
        start_at_zero([axes])
        if is_fraction(metric):
            set_percent(axes.xaxis)
    set_head(figure, title)
    return figure
