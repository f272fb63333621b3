"""Section: every run and baseline in numbers, and the differences between runs."""

import dataclasses
from collections.abc import Mapping, Sequence

from tagkeras.evaluate.evaluation import MODEL
from tagkeras.report.differences import differences_of
from tagkeras.report.figure_files import PageFigure
from tagkeras.report.figures.estimate import Estimate
from tagkeras.report.figures.looks import label_of
from tagkeras.report.figures.overall_metrics import draw_overall_metrics
from tagkeras.report.figures.prediction_entropy import draw_prediction_entropy
from tagkeras.report.material import Material
from tagkeras.report.names import slug
from tagkeras.report.runs import RunGroup
from tagkeras.report.sections.section import Section

ORACLES = ("oracle_image_only", "oracle_user_only", "oracle")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Row:
    """A way to rank.

    Attributes:
        label: for people.
        kind: `baseline`, `model` or `oracle`.
        values: by metric.
        intervals: [low, high] by metric.
    """

    label: str
    kind: str
    values: Mapping[str, float]
    intervals: Mapping[str, Sequence[float]]


def build(material: Material) -> Section:
    """The tables and figures of all groups."""
    tables = []
    for group in material.groups:
        columns = columns_of(group)
        rows = rows_of(group)
        tables.append(
            {
                "group": group,
                "columns": columns,
                "rows": rows,
                "best": _best(rows, columns),
                "differences": differences_of(group),
                "compared": [c for c in columns if _is_averaged(c)],
                "num_posts": group.first.metrics["num_posts"],
                "num_users": group.first.metrics["num_users"],
                "has_oracles": any(row.kind == "oracle" for row in rows),
                "figure": _figure(material, group, columns),
            }
        )
    k = material.groups[0].ks[-1]
    return Section(
        id="results",
        title="Results",
        short="Results",
        content={"tables": tables, "k": k, "level": 95, "variety": _variety(material)},
    )


def _variety(material: Material) -> PageFigure | None:
    """Natural beside balanced: how varied the predictions are; None for posts of one kind."""
    if len(material.groups) < 2:
        return None
    k = min(group.ks[-1] for group in material.groups)
    metric = f"entropy@{k}"
    datasets = {
        group.name: {
            name: Estimate.of(run.metrics, metric, run.metrics["intervals"][MODEL])
            for name, run in group.shown.items()
            if metric in run.metrics
        }
        for group in material.groups
    }
    return material.figures.add(
        draw_prediction_entropy(datasets, k=k),
        "variety",
        shows="entropy of the predictions of each model, dataset by dataset",
        caption="Entropy of all predictions: two bits more are as if four times as many hashtags"
        " were in use. In the paper, models of natural posts put the same few hashtags on almost"
        " every photo, and those of balanced posts far more varied ones.",
    )


def columns_of(group: RunGroup) -> list[str]:
    """The metrics of the table: precision at the smallest k, the others at the largest."""
    least, most = group.ks[0], group.ks[-1]
    names = [f"P@{least}", *(f"{name}@{most}" for name in ("R", "A", "nDCG", "MRR"))]
    return [*names, f"coverage@{most}", f"entropy@{most}"]


def rows_of(group: RunGroup) -> list[Row]:
    """Baselines, oracles of one side, the runs, and the oracle, as in the paper's table."""
    metrics = group.with_baselines.metrics
    rankings = [name for name in metrics["intervals"] if name != MODEL]
    by_kind: dict[str, list[Row]] = {"baseline": [], "oracle": []}
    for name in rankings:
        kind = "oracle" if name in ORACLES else "baseline"
        by_kind[kind].append(
            Row(
                label=label_of(name),
                kind=kind,
                values=metrics[name],
                intervals=metrics["intervals"][name],
            )
        )
    models = [
        Row(
            label=label_of(name),
            kind="model",
            values=run.metrics,
            intervals=run.metrics["intervals"][MODEL],
        )
        for name, run in group.runs.items()
    ]
    return [*by_kind["baseline"], *models, *by_kind["oracle"]]


def _best(rows: Sequence[Row], columns: Sequence[str]) -> dict[str, float]:
    """The best value of each accuracy among baselines and models; of variety there is no best."""
    return {
        column: max(row.values[column] for row in rows if row.kind != "oracle")
        for column in columns
        if _is_averaged(column)
    }


def _is_averaged(column: str) -> bool:
    return not column.startswith(("coverage", "entropy"))


def _figure(material: Material, group: RunGroup, columns: Sequence[str]) -> PageFigure:
    metrics = group.with_baselines.metrics
    names = [name for name in metrics["intervals"] if name != MODEL]
    models = dict(group.shown)
    estimates: dict[str, dict[str, Estimate]] = {}
    for column in columns[:3]:
        estimates[column] = {
            name: Estimate.of(metrics[name], column, metrics["intervals"][name])
            for name in names
            if name not in ORACLES
        }
        for name, run in models.items():
            estimates[column][name] = Estimate.of(
                run.metrics, column, run.metrics["intervals"][MODEL]
            )
        estimates[column] |= {
            name: Estimate.of(metrics[name], column, metrics["intervals"][name])
            for name in names
            if name in ORACLES
        }
    return material.figures.add(
        draw_overall_metrics(estimates),
        f"results-{slug(group.name)}",
        shows=f"{', '.join(columns[:3])} of every way to rank on the {group.name} posts",
        caption="Each row is a way to rank, the whisker its 95% interval. Read the gap between a"
        " model and the baselines as what was learned"
        + (
            ", and that to the oracle as what is left."
            if any(name in ORACLES for name in names) and group.is_natural
            else "."
        ),
    )
