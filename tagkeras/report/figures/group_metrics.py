"""A metric by group of users: age, gender, country."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.figure import Figure

from tagkeras.report.figures.estimate import Estimate
from tagkeras.report.figures.head import legend_handles, set_head
from tagkeras.report.figures.looks import looks_of
from tagkeras.report.figures.marks import draw_dot, is_fraction, set_percent, set_rows
from tagkeras.report.figures.text import compact, shown
from tagkeras.report.plotting import new_figure, styled

# Inches of a row that every model adds, and what stands between rows.
_MODEL_HEIGHT, _ROW_GAP = 0.13, 0.16


@dataclasses.dataclass(frozen=True)
class GroupEstimate:
    """A metric of a group of users.

    Attributes:
        group: such as `18-24`, `female` or `unknown`.
        posts: of the group.
        estimate: of the metric.
    """

    group: str
    posts: int
    estimate: Estimate


def group_estimates(rows: Sequence[Mapping[str, Any]], metric: str) -> list[GroupEstimate]:
    """Takes a metric out of the groups of an attribute.

    Args:
        rows: one list of `groups` in `metrics.json`.
        metric: such as `R@10`.

    Raises:
        KeyError: there is no such metric.
    """
    return [
        GroupEstimate(row["group"], row["posts"], Estimate.of(row, metric, row.get("intervals")))
        for row in rows
    ]


@styled
def draw_group_metrics(
    metric: str,
    attributes: Mapping[str, Mapping[str, Sequence[GroupEstimate]]],
    *,
    title: str | None = None,
) -> Figure:
    """Draws a panel an attribute, a row a group, and in it a dot with its interval for each model.

    Args:
        metric: such as `R@10`.
        attributes: by attribute (`age`, ...) and name of the model, its groups.
        title: of the figure.

    Raises:
        ValueError: there is no attribute, or one without a group.
    """
    if not attributes:
        raise ValueError("there are no attributes to draw")
    posts_of = {}
    for attribute, of_models in attributes.items():
        groups = {item.group: item.posts for items in of_models.values() for item in items}
        if not groups:
            raise ValueError(f"there are no groups of {attribute} to draw")
        posts_of[attribute] = groups
    looks = looks_of(name for of_models in attributes.values() for name in of_models)
    row_height = _ROW_GAP + _MODEL_HEIGHT * len(looks)
    figure = new_figure(sum(row_height * len(groups) + 0.3 for groups in posts_of.values()) + 0.6)
    panels = figure.subplots(
        len(attributes),
        squeeze=False,
        sharex=True,
        height_ratios=[len(groups) for groups in posts_of.values()],
    )
    step = _MODEL_HEIGHT / row_height
    for axes, (attribute, of_models) in zip(panels.flat, attributes.items(), strict=True):
        groups = posts_of[attribute]
        axes.set_title(attribute)
        row_of = {group: row for row, group in enumerate(groups)}
        names = list(of_models)
        for number, name in enumerate(names):
            offset = (number - (len(names) - 1) / 2) * step
            for item in of_models[name]:
                draw_dot(axes, row_of[item.group] + offset, item.estimate, looks[name])
        set_rows(
            axes, [f"{shown(group, 18)} ({compact(posts)})" for group, posts in groups.items()]
        )
        axes.tick_params(axis="x", labelbottom=True)
        for row in range(1, len(groups)):
            axes.axhline(row - 0.5, color="none")
        if is_fraction(metric):
            set_percent(axes.xaxis)
    panels.flat[-1].set_xlabel(metric if is_fraction(metric) else f"{metric} (bits)")
    set_head(
        figure,
        title or f"{metric} by group of users",
        legend_handles(list(looks.values())),
        note="In brackets: posts of the group. Lines: intervals.",
    )
    return figure
