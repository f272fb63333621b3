"""Every run and baseline in numbers, and the differences between runs."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from markupsafe import Markup

from tagkeras.cli.progress import progress
from tagkeras.evaluate.comparison import Difference, compare
from tagkeras.evaluate.evaluation import MODEL, WITHOUT_FACTS
from tagkeras.report import formats
from tagkeras.report.drawing import Estimate, Row, draw_rows
from tagkeras.report.inputs import Inputs
from tagkeras.report.runs import BILINEAR, RunGroup
from tagkeras.report.style import label_of

_ORACLES = ("oracle_image_only", "oracle_user_only", "oracle")


class Ranking(NamedTuple):
    """A row of the table: a `baseline`, `model` or `oracle`, and its estimates by metric."""

    name: str
    kind: str
    estimates: dict[str, Estimate]


def build(inputs: Inputs, group: RunGroup) -> dict[str, Any]:
    """The table, the figure and the differences of a group; of the last, the variety of all."""
    least, most = group.ks[0], group.ks[-1]
    accuracies = [f"P@{least}", *(f"{name}@{most}" for name in ("R", "A", "nDCG", "MRR"))]
    columns = [*accuracies, f"coverage@{most}", f"entropy@{most}"]
    rankings = rankings_of(group, columns)
    is_last = group is inputs.groups[-1] and len(inputs.groups) > 1
    figures = []
    for column in accuracies[:3]:
        rows = [
            Row(label_of(name), {name: estimates[column]}, formats.percent(estimates[column].value))
            for name, kind, estimates in rankings
            if kind != "model" or name in group.shown
        ]
        name = f"results-{formats.slug(group.name)}-{formats.slug(column)}"
        figures.append(inputs.figures.add(draw_rows({"": rows}, title=column), name))
    return {
        "k": most,
        "columns": columns,
        "accuracies": accuracies,
        "rankings": rankings,
        "best": {
            column: max(r.estimates[column].value for r in rankings if r.kind != "oracle")
            for column in accuracies
        },
        "has_oracles": any(ranking.kind == "oracle" for ranking in rankings),
        "differences": differences_of(group),
        "without_facts": {
            name: run.metrics[WITHOUT_FACTS]
            for name, run in group.shown.items()
            if WITHOUT_FACTS in run.metrics
        },
        "figures": figures,
        "variety": _draw_variety(inputs) if is_last else None,
    }


def rankings_of(group: RunGroup, columns: Sequence[str]) -> list[Ranking]:
    """Baselines, runs and oracles."""
    others = group.with_baselines.metrics["intervals"]

    def ranking(name: str, kind: str) -> Ranking:
        run, of = (group.runs[name], MODEL) if kind == "model" else (group.with_baselines, name)
        return Ranking(name, kind, {column: run.estimate(column, of) for column in columns})

    return [
        *(ranking(name, "baseline") for name in others if name not in (MODEL, *_ORACLES)),
        *(ranking(name, "model") for name in group.runs),
        *(ranking(name, "oracle") for name in others if name in _ORACLES),
    ]


def differences_of(group: RunGroup) -> dict[tuple[str, str], dict[str, Difference]]:
    """What each run gains over the bilinear run, or over the first where there is none.

    The best run is compared with the second best as well. Gives, by the names of the run and of the
    other, the gain by metric.
    """
    best = sorted(group.runs, key=lambda name: -group.runs[name].metrics[group.headline])[:2]
    reference = group.of_model(BILINEAR) or next(iter(group.runs))
    pairs = [(name, reference) for name in group.runs if name != reference]
    if reference not in best:
        pairs.append((best[0], best[1]))
    found = {}
    with progress(f"comparing runs, {group.name}", len(pairs), "pairs") as advance:
        for name, other in pairs:
            before, after = (group.runs[run].evaluation for run in (other, name))
            found[name, other] = compare(before, after)
            advance(1)
    return found


def _draw_variety(inputs: Inputs) -> Markup:
    """The entropy of the predictions: natural beside balanced."""
    k = min(group.ks[-1] for group in inputs.groups)
    metric = f"entropy@{k}"
    panels = {
        group.name: [
            Row(label_of(name), {name: run.estimate(metric)}, f"{run.metrics[metric]:.2f}")
            for name, run in group.shown.items()
            if metric in run.metrics
        ]
        for group in inputs.groups
    }
    figure = draw_rows(
        panels,
        title="Variety of predictions",
        x_label=f"entropy of the hashtags in the top {k} (bits)",
        is_fraction=False,
        bars=True,
    )
    return inputs.figures.add(figure, "variety")
