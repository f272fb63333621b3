"""Section: an experiment beside the paper, number by number and claim by claim."""

import dataclasses
from collections import Counter
from collections.abc import Mapping

from tagkeras.experiment.paper import METRICS, MODELS, paper_values
from tagkeras.experiment.runs import Configuration
from tagkeras.experiment.tables import Cell, Table
from tagkeras.report.figure_files import PageFigure
from tagkeras.report.figures.dimension_sweep import draw_dimension_sweep
from tagkeras.report.figures.estimate import Estimate
from tagkeras.report.figures.looks import label_of
from tagkeras.report.material import Material
from tagkeras.report.runs import MULTIPLICATIVE, Run, RunGroup
from tagkeras.report.sections.section import LeftOut, Section

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
        ours: by metric, means over seeds with intervals; None if we do not have it.
        seeds: how many of ours.
    """

    label: str
    embedding_dim: int | None
    rank: int | None
    paper: Mapping[str, float] | None
    ours: Mapping[str, Cell] | None
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
        (g for g in material.groups if g.is_natural and g.name in experiment.tables),
        None,
    )
    tables = experiment.tables
    return Section(
        id="paper",
        title=_TITLE,
        short="Paper",
        content={
            "rows": _rows(tables[natural.name], natural) if natural else [],
            "group": natural,
            "metrics": METRICS,
            "findings": experiment.findings,
            "figures": _figures(material, tables),
        },
    )


def _figures(material: Material, tables: Mapping[str, Table]) -> list[PageFigure]:
    """Recall by the size of the embedding, where there are several sizes."""
    metrics = {group.headline for group in material.groups}
    datasets = {
        group.name: _by_dimension(tables[group.name], group)
        for group in material.groups
        if group.name in tables  # what else was given beside the experiment is not
    }
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
            " got worse. Means over seeds; whiskers are intervals over users and seeds.",
        )
    ]


def _by_dimension(table: Table, group: RunGroup) -> dict[str, dict[int, Estimate]]:
    """By model and d, of its best rank on validation: means over seeds."""
    sizes: dict[str, dict[int, list[Run]]] = {}
    for run in group.runs.values():
        if run.workdir is not None:
            dim = _configuration(run).embedding_dim
            sizes.setdefault(run.model, {}).setdefault(dim, []).append(run)
    found: dict[str, dict[int, Estimate]] = {}
    for model, by_dim in sizes.items():
        for dim, runs in by_dim.items():
            best = max(runs, key=lambda run: run.validation or 0)
            cell = table[_configuration(best)][group.headline]
            found.setdefault(model, {})[dim] = Estimate(cell.value, cell.low, cell.high)
    return found


def _rows(table: Table, group: RunGroup) -> list[BesideRow]:
    """The frequency baseline, and each model in each size that the paper has or we have."""
    seeds = Counter(_configuration(run) for run in group.runs.values() if run.workdir is not None)
    models = [configuration.model for configuration in MODELS]
    ours = [size for size in table if isinstance(size, Configuration)]
    sizes = sorted({*MODELS, *ours}, key=lambda c: (models.index(c.model), c.embedding_dim, c.rank))
    frequency = table.get(_FREQUENCY)
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
                table.get(size),
                seeds[size],
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
