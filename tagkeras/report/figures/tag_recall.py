"""Recall of hashtags, one by one and as means of groups."""

from collections.abc import Sequence

from matplotlib.figure import Figure

from tagkeras.report.figures import palette
from tagkeras.report.figures.head import legend_handles, set_head
from tagkeras.report.figures.looks import looks_of
from tagkeras.report.figures.marks import (
    draw_bar,
    set_percent,
    set_rows,
    start_at_zero,
    write_beside,
)
from tagkeras.report.figures.tag_groups import TagGroup
from tagkeras.report.figures.text import compact, percent, shown_tag
from tagkeras.report.plotting import new_figure, styled

# Of a row, how much its bars take.
_FILLED = 0.74


@styled
def draw_tag_recall(group: TagGroup, *, title: str | None = None) -> Figure:
    """Draws a row a hashtag, with a bar a model and the number of posts.

    Args:
        group: of `select_tag_groups`.
        title: of the figure; by default it names the group.

    Raises:
        ValueError: the group is empty.
    """
    if not group.tags or not group.recall:
        raise ValueError(f"the group {group.key} is empty")
    looks = looks_of(group.recall)
    thickness = _FILLED / len(looks)
    figure = new_figure(0.7 + len(group.tags) * (0.1 + 0.12 * len(looks)))
    axes = figure.subplots()
    for number, (name, recall) in enumerate(group.recall.items()):
        offset = (number - (len(looks) - 1) / 2) * thickness
        for row, value in enumerate(recall):
            draw_bar(axes, row + offset, float(value), looks[name], 0.8 * thickness)
    set_rows(axes, [shown_tag(tag) for tag in group.tags])
    start_at_zero([axes])
    set_percent(axes.xaxis)
    axes.tick_params(axis="x", labeltop=True)
    axes.set_xlabel(f"Recall@{group.k}: share of a hashtag's posts whose top {group.k} has it")
    for row, posts in enumerate(group.posts):
        write_beside(axes, row, compact(int(posts)))
    # Above the numbers of the axis, of which the last may reach over it.
    axes.annotate(
        "posts",
        (1.02, 1),
        (0, 20),
        xycoords="axes fraction",
        textcoords="offset points",
        color=palette.MUTED,
    )
    set_head(
        figure,
        title or f"Recall@{group.k} of {group.title}",
        legend_handles(list(looks.values())),
    )
    return figure


@styled
def draw_group_recall(groups: Sequence[TagGroup], *, title: str | None = None) -> Figure:
    """Draws a panel a group, with a bar a model: the mean recall of the group's hashtags.

    Args:
        groups: of `select_tag_groups`.
        title: of the figure.

    Raises:
        ValueError: there is no group, or an empty one.
    """
    if not groups or not all(group.tags and group.recall for group in groups):
        raise ValueError("there are no groups of hashtags to draw")
    looks = looks_of(name for group in groups for name in group.recall)
    figure = new_figure(sum(0.45 + 0.27 * len(group.recall) for group in groups) + 0.35)
    panels = figure.subplots(
        len(groups),
        squeeze=False,
        sharex=True,
        height_ratios=[0.4 + len(group.recall) for group in groups],
    )
    for axes, group in zip(panels.flat, groups, strict=True):
        axes.set_title(f"{len(group.tags)} {group.title.removeprefix('the ')}")
        for row, (name, mean) in enumerate(group.means.items()):
            draw_bar(axes, row, mean, looks[name], 0.55)
            write_beside(axes, row, percent(mean))
        set_rows(axes, [looks[name].label for name in group.recall])
        set_percent(axes.xaxis)
    start_at_zero(panels.flat)
    k = groups[0].k
    panels.flat[-1].set_xlabel(f"mean Recall@{k} of the hashtags")
    set_head(figure, title or f"Recall@{k} of three groups of hashtags")
    return figure
