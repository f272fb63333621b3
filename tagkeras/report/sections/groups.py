"""Metrics by group of people: by age and by each category."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from tagkeras.report import formats
from tagkeras.report.drawing import Estimate, Row, draw_rows
from tagkeras.report.inputs import Inputs, Omitted
from tagkeras.report.runs import RunGroup

_UNKNOWN = "unknown"
# Groups of an attribute that have a row of their own in a figure.
_MAX_ROWS = 15


def build(inputs: Inputs, group: RunGroup) -> dict[str, Any]:
    """A figure for each attribute, and a table of the best run."""
    attributes = {
        attribute: rows
        for attribute, rows in group.runs[group.best].metrics["groups"].items()
        if any(row["group"] != _UNKNOWN for row in rows)
    }
    if not attributes:
        raise Omitted("the posts say nothing that would divide their users into groups.")
    metric = group.headline
    figures = {}
    for attribute in attributes:
        runs = {name: run.metrics["groups"][attribute] for name, run in group.shown.items()}
        rows, title = group_rows(runs, metric), f"{metric} by {attribute}"
        note = "In brackets: posts of the group. Whiskers: 95% intervals."
        figure = draw_rows({"": rows}, title=title, note=note)
        name = f"groups-{formats.slug(group.name)}-{attribute}"
        figures[attribute] = inputs.figures.add(figure, name)
    return {
        "figures": figures,
        "attributes": attributes,
        "ignored": group.first.ignored_facts,
        "columns": [f"P@{group.ks[0]}", metric, f"A@{group.ks[-1]}"],
        "gaps": {
            name: gap for name, run in group.shown.items() if (gap := run.metrics["largest_gap"])
        },
    }


def group_rows(runs: Mapping[str, Sequence[Mapping[str, Any]]], metric: str) -> list[Row]:
    """The rows of a figure: the groups with most posts, all others as one, and `unknown`.

    By run, the groups of an attribute are as in `metrics.json`; the metric is a mean over posts.
    """
    posts = {row["group"]: row["posts"] for rows in runs.values() for row in rows}
    known = sorted((name for name in posts if name != _UNKNOWN), key=lambda name: -posts[name])
    others = known[_MAX_ROWS:] if len(known) > _MAX_ROWS + 1 else []

    def row(label: str, names: Sequence[str]) -> Row:
        estimates = {}
        for run, rows in runs.items():
            chosen = [row for row in rows if row["group"] in names]
            if len(chosen) == 1:
                estimates[run] = Estimate(chosen[0][metric], chosen[0]["intervals"].get(metric))
            elif chosen:
                values, weights = ([row[key] for row in chosen] for key in (metric, "posts"))
                estimates[run] = Estimate(float(np.average(values, weights=weights)))
        number = formats.compact(sum(posts[name] for name in names))
        return Row(f"{formats.shorten(label, 18)} ({number})", estimates)

    rows = [row(name, [name]) for name in posts if name not in (*others, _UNKNOWN)]
    if others:
        rows.append(row(f"{len(others)} others", others))
    if _UNKNOWN in posts:
        rows.append(row(_UNKNOWN, [_UNKNOWN]))
    return rows
