"""Section: how training went."""

import dataclasses

from tagkeras.report.figures.looks import label_of
from tagkeras.report.figures.read_history import read_history
from tagkeras.report.figures.training_curves import draw_training_curves
from tagkeras.report.material import Material
from tagkeras.report.names import slug
from tagkeras.report.runs import Run, RunGroup
from tagkeras.report.sections.section import LeftOut, Section


@dataclasses.dataclass(frozen=True)
class BestEpoch:
    """The epoch whose weights were evaluated.

    Attributes:
        label: of the run.
        epoch: its number, from 1.
        epochs: that were trained.
        metrics: on the validation posts, by name.
    """

    label: str
    epoch: int
    epochs: int
    metrics: dict[str, float]


def build(material: Material) -> Section:
    """Curves of the runs whose history is at hand.

    Raises:
        LeftOut: there is none.
    """
    parts, missing = [], []
    for group in material.groups:
        runs = {name: run for name, run in group.shown.items() if _has_history(run)}
        missing += [label_of(name) for name in group.shown if name not in runs]
        if runs:
            parts.append(_part(material, group, runs))
    if not parts:
        raise LeftOut(
            "Training curves", "the workdirs of the runs, which hold history.csv, are not there."
        )
    return Section(
        id="training",
        title="Training",
        short="Training",
        content={"parts": parts, "missing": missing},
    )


def _has_history(run: Run) -> bool:
    return run.workdir is not None and run.workdir.history.is_file()


def _part(material: Material, group: RunGroup, runs: dict[str, Run]) -> dict[str, object]:
    histories = {
        name: read_history(run.workdir.history) for name, run in runs.items() if run.workdir
    }
    best = []
    for name, run in runs.items():
        assert run.workdir is not None
        epoch = run.workdir.best_epoch()
        metrics = {
            key.removeprefix("val_"): value
            for key, value in epoch.items()
            if key.startswith("val_") and isinstance(value, float)
        }
        number = len(histories[name]["epoch"])
        best.append(BestEpoch(label_of(name), int(epoch["epoch"]), number, metrics))
    metrics_of_all = [name for name in best[0].metrics if all(name in b.metrics for b in best)]
    figure = material.figures.add(
        draw_training_curves(histories),
        f"training-{slug(group.name)}",
        shows=f"loss and validation metrics by epoch of the runs on {group.name} posts",
        caption="Loss on the training posts, and metrics on the validation posts, after each"
        " epoch. A validation curve that still rises at the end asks for more epochs; one that"
        " falls while the loss sinks has begun to learn single posts by heart. Losses of"
        " different kinds are on different scales: compare the other panels.",
    )
    return {"group": group, "figure": figure, "best": best, "metrics": metrics_of_all}
