"""Precision-recall curves of hashtags, a line a model."""

import dataclasses
from collections.abc import Mapping, Sequence

import numpy as np
import pyarrow as pa
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from tagkeras.report.figures.head import legend_handles, set_head
from tagkeras.report.figures.looks import Look, looks_of
from tagkeras.report.figures.marks import set_percent
from tagkeras.report.figures.text import percent, shown_tag
from tagkeras.report.plotting import new_figure, styled

_AVERAGES_A_ROW = 3


@dataclasses.dataclass(frozen=True, eq=False)
class PrecisionRecallCurve:
    """Of a hashtag and a model, by falling threshold.

    Attributes:
        recall: float [n], in [0, 1], rising.
        precision: float [n], in [0, 1].
        average_precision: in [0, 1].
    """

    recall: np.ndarray
    precision: np.ndarray
    average_precision: float


def curves_of_tags(
    tables: Mapping[str, pa.Table], tags: Sequence[str]
) -> dict[str, dict[str, PrecisionRecallCurve]]:
    """Takes the curves of `tags` out of evaluations.

    Args:
        tables: by name of the model, `tags.parquet` of its evaluation.
        tags: without #.

    Returns:
        By tag and name. A model that has no curve of a tag is left out there.
    """
    curves: dict[str, dict[str, PrecisionRecallCurve]] = {tag: {} for tag in tags}
    for name, table in tables.items():
        row_of = {tag: row for row, tag in enumerate(table.column("tag").to_pylist())}
        for tag in curves:
            if tag not in row_of:
                continue
            (row,) = table.slice(row_of[tag], 1).to_pylist()
            if row["curve_recall"] is not None and row["average_precision"] is not None:
                curves[tag][name] = PrecisionRecallCurve(
                    np.array(row["curve_recall"], float),
                    np.array(row["curve_precision"], float),
                    row["average_precision"],
                )
    return curves


@styled
def draw_precision_recall(
    curves: Mapping[str, Mapping[str, PrecisionRecallCurve]],
    *,
    title: str = "Precision and recall of hashtags",
) -> Figure:
    """Draws a panel a hashtag, with the average precision of each model above it.

    Args:
        curves: by tag and by name of the model.
        title: of the figure.

    Raises:
        ValueError: there is no tag, a tag without a curve, or a curve whose lengths differ.
    """
    if not curves:
        raise ValueError("there are no hashtags to draw")
    for tag, of_models in curves.items():
        if not of_models:
            raise ValueError(f"there is no precision-recall curve of {tag!r}")
        for name, curve in of_models.items():
            if len(curve.recall) != len(curve.precision) or len(curve.recall) == 0:
                raise ValueError(f"the curve of {tag!r} by {name} is empty or its lengths differ")
    looks = looks_of(name for of_models in curves.values() for name in of_models)
    num_rows = -(-len(curves) // 2)
    longest = max(len(of_models) for of_models in curves.values())
    figure = new_figure((2.25 + 0.2 * -(-longest // _AVERAGES_A_ROW)) * num_rows)
    grid = figure.subplots(num_rows, 2, squeeze=False, sharex=True, sharey=True)
    for axes in grid.flat[len(curves) :]:
        axes.set_visible(False)
    for number, (axes, (tag, of_models)) in enumerate(zip(grid.flat, curves.items(), strict=False)):
        _draw_panel(axes, tag, of_models, looks)
        if number % 2 == 0:
            axes.set_ylabel("precision")
        if number + 2 >= len(curves):
            axes.set_xlabel("recall")
            axes.tick_params(labelbottom=True)
    handles = legend_handles(list(looks.values()), with_lines=True)
    set_head(figure, title, handles, note="Above each panel: average precision.")
    return figure


def _draw_panel(
    axes: Axes, tag: str, of_models: Mapping[str, PrecisionRecallCurve], looks: Mapping[str, Look]
) -> None:
    rows = -(-len(of_models) // _AVERAGES_A_ROW)
    axes.set_title(shown_tag(tag, 20), pad=5 + 14 * rows)
    averages = []
    for name, curve in of_models.items():
        look = looks[name]
        # The first point has recall 0 or more; the precision before it is that of the first.
        recall, precision = np.r_[0.0, curve.recall], np.r_[curve.precision[0], curve.precision]
        axes.plot(
            recall, precision, linestyle=look.line, markevery=_marked(recall), **look.marker_style
        )
        label = percent(curve.average_precision)
        averages.append(Line2D([], [], linestyle="none", label=label, **look.marker_style))
    axes.legend(
        handles=averages,
        loc="lower left",
        bbox_to_anchor=(-0.02, 1.0),
        ncols=_AVERAGES_A_ROW,
        borderpad=0,
        borderaxespad=0.25,
        handlelength=0.8,
        columnspacing=0.8,
        handletextpad=0.3,
    )
    axes.set_xlim(0, 1)
    axes.set_ylim(0, 1.02)
    set_percent(axes.xaxis, 2)
    set_percent(axes.yaxis, 2)


def _marked(recall: np.ndarray) -> list[int]:
    """Points near recall 0.2, 0.5 and 0.8 that have a marker."""
    return sorted({int(np.abs(recall - place).argmin()) for place in (0.2, 0.5, 0.8)})
