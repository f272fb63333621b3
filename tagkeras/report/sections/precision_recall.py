"""Precision-recall curves of single hashtags."""

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from tagkeras.evaluate.tag_metrics import TagCurve
from tagkeras.report import formats
from tagkeras.report.drawing import draw_line, legend_entry, new_panels, set_head, set_percent
from tagkeras.report.inputs import Inputs, Omitted
from tagkeras.report.runs import RunGroup
from tagkeras.report.style import SeriesStyle, figure_style, series_styles

# Hashtags to choose from: of rarer ones, the differences are chance.
_FREQUENT = 50
_CHOSEN = 8
_PANELS_A_FIGURE = 4
_AVERAGES_A_LINE = 3


def build(inputs: Inputs, group: RunGroup) -> dict[str, Any]:
    """Curves of the hashtags of `--tags`, or of those that the runs differ most on."""
    tables, name = group.tag_tables, formats.slug(group.name)
    tags = list(inputs.config.tags) or most_different_tags(tables)
    curves = {tag: found for tag in tags if (found := curves_of(tag, tables))}
    if not curves:
        raise Omitted("no post of the split has these hashtags, or they have no curve.")
    drawn = [
        draw_precision_recall(dict(list(curves.items())[start : start + _PANELS_A_FIGURE]))
        for start in range(0, len(curves), _PANELS_A_FIGURE)
    ]
    return {
        "figures": [
            inputs.figures.add(figure, f"curves-{name}-{number}")
            for number, figure in enumerate(drawn, start=1)
        ],
        "is_chosen": not inputs.config.tags and len(group.shown) > 1,
        "missing": [tag for tag in tags if tag not in curves],
    }


def most_different_tags(tables: Mapping[str, pa.Table], number: int = _CHOSEN) -> list[str]:
    """The tags that runs on the same posts differ most on, by their `tags.parquet`.

    Of the fifty tags on most posts of the split, those whose average precision differs most between
    the best run and the worst, such tags first; the most frequent if there is one run.
    """
    first = next(iter(tables.values()))
    truth = first.column("truth").to_numpy()
    columns = [
        t.column("average_precision").to_numpy(zero_copy_only=False) for t in tables.values()
    ]
    precision = np.stack(columns).astype(np.float64)
    has_curve = (truth > 0) & ~np.isnan(precision).any(axis=0)
    by_frequency = np.argsort(-truth, kind="stable")
    frequent = by_frequency[has_curve[by_frequency]][:_FREQUENT]
    spread = np.ptp(precision[:, frequent], axis=0)
    tags = first.column("tag")
    return [tags[row].as_py() for row in frequent[np.argsort(-spread, kind="stable")][:number]]


def curves_of(tag: str, tables: Mapping[str, pa.Table]) -> dict[str, TagCurve]:
    """The curve of a tag by each run that has one, from `tags.parquet` of the runs."""
    curves = {}
    for name, table in tables.items():
        for row in table.filter(pc.field("tag") == tag).to_pylist():
            if row["curve_recall"] is not None and row["average_precision"] is not None:
                recall, precision = np.array(row["curve_recall"]), np.array(row["curve_precision"])
                curves[name] = TagCurve(row["average_precision"], recall, precision)
    return curves


@figure_style()
def draw_precision_recall(curves: Mapping[str, Mapping[str, TagCurve]]) -> Figure:
    """Draws a panel for each hashtag, with the average precision of each model above it."""
    styles = series_styles(name for by_model in curves.values() for name in by_model)
    lines = math.ceil(max(map(len, curves.values())) / _AVERAGES_A_LINE)
    figure, panels = new_panels(len(curves), 2.25 + 0.2 * lines, sharex=True, sharey=True)
    for axes, (tag, by_model) in zip(panels, curves.items(), strict=True):
        axes.set_title(formats.shorten(f"#{tag}", 20), pad=5 + 14 * lines)
        _draw_curves(axes, by_model, styles)
    for axes in panels[::2]:
        axes.set_ylabel("precision")
    for axes in panels[-2:]:
        axes.set_xlabel("recall")
    legend = [legend_entry(style) for style in styles.values()]
    note = "Above each panel: average precision."
    set_head(figure, "Precision and recall of hashtags", legend, note)
    return figure


def _draw_curves(
    axes: Axes, by_model: Mapping[str, TagCurve], styles: Mapping[str, SeriesStyle]
) -> None:
    averages = []
    for name, curve in by_model.items():
        # From recall 0 to the first point, the precision is that of the first point.
        recall, precision = np.r_[0.0, curve.recall], np.r_[curve.precision[0], curve.precision]
        marked = {int(np.abs(recall - place).argmin()) for place in (0.2, 0.5, 0.8)}
        draw_line(axes, recall, precision, styles[name], sorted(marked))
        style = replace(styles[name], label=formats.percent(curve.average_precision))
        averages.append(legend_entry(style, line="none"))
    axes.legend(
        handles=averages,
        loc="lower left",
        bbox_to_anchor=(-0.02, 1.0),
        ncols=_AVERAGES_A_LINE,
        borderaxespad=0.25,
        handlelength=0.8,
        columnspacing=0.8,
        handletextpad=0.3,
    )
    axes.set(xlim=(0, 1), ylim=(0, 1.02))
    set_percent(axes.xaxis, 2)
    set_percent(axes.yaxis, 2)
