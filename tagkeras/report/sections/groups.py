"""Section: how well each group of people is served."""

from typing import Any

from tagkeras.report.figures.group_metrics import draw_group_metrics, group_estimates
from tagkeras.report.figures.looks import label_of
from tagkeras.report.formats import joined
from tagkeras.report.material import Material
from tagkeras.report.names import slug
from tagkeras.report.runs import RunGroup
from tagkeras.report.sections.section import LeftOut, Section

_UNKNOWN = "unknown"


def build(material: Material) -> Section:
    """A figure and a table for each dataset.

    Raises:
        LeftOut: nothing is known of the users.
    """
    parts = [_part(material, group) for group in material.groups if _attributes(group)]
    if not parts:
        raise LeftOut(
            "Groups of people", "the posts say nothing of the age, gender or country of users."
        )
    return Section(
        id="groups",
        title="Groups of people",
        short="Groups",
        content={"parts": parts},
    )


def _attributes(group: RunGroup) -> list[str]:
    """The attributes that somebody says something of."""
    groups = group.first.metrics["groups"]
    return [
        attribute
        for attribute, rows in groups.items()
        if any(row["group"] != _UNKNOWN for row in rows)
    ]


def _part(material: Material, group: RunGroup) -> dict[str, Any]:
    attributes = _attributes(group)
    metric = group.headline
    estimates = {
        attribute: {
            name: group_estimates(run.metrics["groups"][attribute], metric)
            for name, run in group.shown.items()
        }
        for attribute in attributes
    }
    figure = material.figures.add(
        draw_group_metrics(metric, estimates),
        f"groups-{slug(group.name)}",
        shows=f"{metric} by {joined(attributes)}, with intervals",
        caption=f"{metric} of the posts of each group, with 95% intervals. Groups differ because"
        " their hashtags are easier or harder to guess, because they have more or fewer training"
        " posts, and by chance where intervals overlap.",
    )
    best = group.best
    metrics = group.runs[best].metrics
    columns = [f"P@{group.ks[0]}", metric, f"A@{group.ks[-1]}"]
    return {
        "group": group,
        "figure": figure,
        "run": label_of(best),
        "columns": columns,
        "attributes": {attribute: metrics["groups"][attribute] for attribute in attributes},
        "gap": metrics["largest_gap"],
        "shown": _in_words(group),
    }


def _in_words(group: RunGroup) -> list[str]:
    """The largest gap of each shown run, in words."""
    words = []
    for name, run in group.shown.items():
        gap = run.metrics["largest_gap"]
        if gap:
            low, high = (100 * bound for bound in gap["interval"])
            words.append(
                f"{label_of(name)}: {100 * gap['gap']:.1f} points of {gap['metric']} between"
                f" {gap['attribute']} {gap['high']} (ahead) and {gap['low']},"
                f" 95% interval {low:.1f} to {high:.1f}"
            )
    return words
