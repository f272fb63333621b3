"""Section: an experiment beside the paper, number by number and claim by claim."""

import dataclasses
import statistics
from collections.abc import Mapping, Sequence
from typing import Any

from tagkeras.evaluation.evaluation import MODEL
from tagkeras.experiments.paper import DISTRIBUTION, METRICS, MODELS, paper_values
from tagkeras.experiments.runs import Configuration
from tagkeras.reporting.figure_files import PageFigure
from tagkeras.reporting.figures.dimension_sweep import draw_dimension_sweep
from tagkeras.reporting.figures.estimate import Estimate
from tagkeras.reporting.figures.looks import label_of
from tagkeras.reporting.material import Material
from tagkeras.reporting.runs import MULTIPLICATIVE, Run, RunGroup
from tagkeras.reporting.sections.section import LeftOut, Section

_TITLE = "Beside the paper"
_FREQUENCY = "frequency_baseline"


@dataclasses.dataclass(frozen=True)
class BesideRow:
    """A model of some size, in the paper and here.

    Attributes:
        label: of the model.
        embedding_dim: d.
        rank: K, of multiplicative models.
        paper: by metric; None if the paper does not have it.
        ours: by metric, means over seeds; None if we do not have it.
        seeds: how many of ours.
    """

    label: str
    embedding_dim: int | None
    rank: int | None
    paper: Mapping[str, float] | None
    ours: Mapping[str, float] | None
    seeds: int


def build(material: Material) -> Section:
    """The paper's table and the verdicts on its claims.

    Raises:
        LeftOut: no run is of an experiment.
    """
    experiment = material.experiment
    if experiment is None:
        raise LeftOut(
            _TITLE,
            "the runs are of no experiment: python -m tagkeras.experiment repeats the paper's.",
        )
    natural = next(
        (g for g in material.groups if g.first.metrics["dataset"]["distribution"] == DISTRIBUTION),
        None,
    )
    return Section(
        id="paper",
        title=_TITLE,
        short="Paper",
        content={
            "rows": _rows(natural) if natural else [],
            "group": natural,
            "metrics": METRICS,
            "findings": experiment.findings,
            "figures": _figures(material),
        },
    )


def _figures(material: Material) -> list[PageFigure]:
    """Recall by the size of the embedding, where there are several sizes."""
    metrics = {group.headline for group in material.groups}
    datasets = {group.name: _by_dimension(group) for group in material.groups}
    sizes = {d for runs in datasets.values() for sizes in runs.values() for d in sizes}
    if len(sizes) < 2 or len(metrics) > 1:
        return []
    (metric,) = metrics
    return [
        material.figures.add(
            draw_dimension_sweep(metric, datasets),
            "dimensions",
            shows=f"{metric} of each model by the size of its embedding",
            caption="Larger embeddings did not help in the paper: bilinear and user-biased models"
            " got worse. Means over seeds; whiskers are intervals over users of the first seed.",
        )
    ]


def _by_dimension(group: RunGroup) -> dict[str, dict[int, Estimate]]:
    """By model and d, of its best rank on validation: means over seeds."""
    found: dict[str, dict[int, list[Run]]] = {}
    for run in group.runs.values():
        if run.workdir is not None:
            size = _configuration(run).embedding_dim
            found.setdefault(run.model, {}).setdefault(size, []).append(run)
    return {
        model: {d: _mean_estimate(_of_best_rank(runs), group.headline) for d, runs in sizes.items()}
        for model, sizes in found.items()
    }


def _of_best_rank(runs: Sequence[Run]) -> list[Run]:
    best = max(runs, key=lambda run: run.validation or 0)
    return [run for run in runs if _configuration(run) == _configuration(best)]


def _mean_estimate(runs: Sequence[Run], metric: str) -> Estimate:
    value = statistics.fmean(run.metrics[metric] for run in runs)
    low, high = runs[0].metrics["intervals"][MODEL][metric]
    shift = value - runs[0].metrics[metric]
    return Estimate(value, low + shift, high + shift)


def _rows(group: RunGroup) -> list[BesideRow]:
    """The frequency baseline, and each model in each size that the paper has or we have."""
    ours: dict[Configuration, list[Mapping[str, Any]]] = {}
    for run in group.runs.values():
        if run.workdir is not None:
            ours.setdefault(_configuration(run), []).append(run.metrics)
    models = [configuration.model for configuration in MODELS]
    sizes = sorted({*MODELS, *ours}, key=lambda c: (models.index(c.model), c.embedding_dim, c.rank))
    frequency = group.with_baselines.metrics.get(_FREQUENCY)
    return [
        BesideRow(
            label_of(_FREQUENCY), None, None, _paper(_FREQUENCY), frequency, int(bool(frequency))
        ),
        *(
            BesideRow(
                label_of(size.model),
                size.embedding_dim,
                size.rank or None,
                _paper(size),
                _means(ours[size]) if size in ours else None,
                len(ours.get(size, ())),
            )
            for size in sizes
        ),
    ]


def _paper(row: Configuration | str) -> dict[str, float]:
    values = {metric: paper_values(row, metric) for metric in METRICS}
    return {metric: value for metric, value in values.items() if value is not None}


def _configuration(run: Run) -> Configuration:
    assert run.workdir is not None
    config = run.workdir.config()
    rank = config["rank"] if run.model == MULTIPLICATIVE else 0
    return Configuration(model=run.model, embedding_dim=config["embedding_dim"], rank=rank)


def _means(metrics: Sequence[Mapping[str, Any]]) -> dict[str, float]:
    return {
        name: statistics.fmean(found[name] for found in metrics)
        for name in METRICS
        if all(name in found for found in metrics)
    }
