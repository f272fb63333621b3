"""An experiment beside the paper: claim by claim, and number by number."""

from collections import Counter
from collections.abc import Mapping
from typing import Any

from markupsafe import Markup
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, NullLocator

from tagkeras.experiment.paper import METRICS, MODELS, paper_values
from tagkeras.experiment.runs import Configuration
from tagkeras.report.drawing import (
    Estimate,
    draw_line,
    legend_entry,
    new_panels,
    set_head,
    set_percent,
)
from tagkeras.report.experiment import ResultTable
from tagkeras.report.inputs import Inputs, Omitted
from tagkeras.report.runs import MULTIPLICATIVE, Run, RunGroup
from tagkeras.report.style import figure_style, label_of, series_styles

_FREQUENCY = "frequency_baseline"


def build(inputs: Inputs) -> dict[str, Any]:
    """The verdicts on the paper's claims, and its table beside ours.

    Raises:
        Omitted: no run is of an experiment.
    """
    experiment = inputs.experiment
    if experiment is None:
        raise Omitted(
            "the runs are of no experiment: python -m tagkeras.experiment repeats the paper's."
        )
    groups = [group for group in inputs.groups if group.name in experiment.tables]
    natural = next((group for group in groups if group.is_natural), None)
    sizes = {group.name: _by_size(experiment.tables[group.name], group) for group in groups}
    return {
        "findings": experiment.findings,
        "natural": natural,
        "metrics": METRICS,
        "rows": _rows(experiment.tables[natural.name], natural) if natural else [],
        "figure": _draw(inputs, {group.headline for group in groups}, sizes),
    }


def _rows(table: ResultTable, group: RunGroup) -> list[dict[str, Any]]:
    """The frequency baseline, and each model in each size that the paper has or we have."""
    seeds = Counter(_configuration(run) for run in group.runs.values() if run.workdir)
    models = list(dict.fromkeys(configuration.model for configuration in MODELS))
    sizes = {*MODELS, *(key for key in table if isinstance(key, Configuration))}
    keys = [
        _FREQUENCY,
        *sorted(sizes, key=lambda c: (models.index(c.model), c.embedding_dim, c.rank)),
    ]
    return [
        {
            "label": label_of(key if isinstance(key, str) else key.model),
            "embedding_dim": "" if isinstance(key, str) else key.embedding_dim,
            "rank": "" if isinstance(key, str) else key.rank or "",
            "paper": {metric: paper_values(key, metric) for metric in METRICS},
            "ours": table.get(key, {}),
            "runs": "" if isinstance(key, str) else seeds[key] or "",
        }
        for key in keys
    ]


def _by_size(table: ResultTable, group: RunGroup) -> dict[str, dict[int, Estimate]]:
    """By model and d, recall of the best rank on validation: means over seeds."""
    best: dict[tuple[str, int], Run] = {}
    for run in group.runs.values():
        if run.workdir is not None:
            key = (run.model, _configuration(run).embedding_dim)
            if key not in best or run.validation > best[key].validation:
                best[key] = run
    found: dict[str, dict[int, Estimate]] = {}
    for (model, dim), run in best.items():
        found.setdefault(model, {})[dim] = table[_configuration(run)][group.headline]
    return found


def _configuration(run: Run) -> Configuration:
    assert run.workdir is not None
    config = run.workdir.config()
    rank = config["rank"] if run.model == MULTIPLICATIVE else 0
    return Configuration(model=run.model, embedding_dim=config["embedding_dim"], rank=rank)


def _draw(
    inputs: Inputs, metrics: set[str], datasets: Mapping[str, Mapping[str, Mapping[int, Estimate]]]
) -> Markup | None:
    """The figure of recall by size; None unless there are several sizes."""
    sizes = {d for models in datasets.values() for by_size in models.values() for d in by_size}
    if len(sizes) < 2 or len(metrics) > 1:
        return None
    return inputs.figures.add(draw_sizes(metrics.pop(), datasets), "dimensions")


@figure_style()
def draw_sizes(
    metric: str, datasets: Mapping[str, Mapping[str, Mapping[int, Estimate]]]
) -> Figure:
    """Draws a metric against d: a panel for each dataset, a line for each model.

    Args:
        metric: such as `R@10`.
        datasets: by dataset, model and d.
    """
    sizes = sorted({d for models in datasets.values() for by_d in models.values() for d in by_d})
    styles = series_styles(name for models in datasets.values() for name in models)
    figure, panels = new_panels(len(datasets), 2.7)
    for axes, (dataset, models) in zip(panels, datasets.items(), strict=True):
        axes.set_title(dataset)
        for number, (name, by_d) in enumerate(models.items()):
            # Beside each other, so that whiskers do not cover each other: by 3% of a doubling.
            shift = 2 ** (0.06 * (number - (len(models) - 1) / 2))
            for d, estimate in by_d.items():
                if estimate.ends:
                    axes.plot([d * shift] * 2, estimate.ends, color=styles[name].color, linewidth=2)
            x, y = [d * shift for d in sorted(by_d)], [by_d[d].value for d in sorted(by_d)]
            draw_line(axes, x, y, styles[name], marked=range(len(x)))
        axes.set_xscale("log", base=2)
        axes.set_xlim(sizes[0] / 1.35, sizes[-1] * 1.35)
        axes.xaxis.set_major_locator(FixedLocator(sizes))
        axes.xaxis.set_minor_locator(NullLocator())
        axes.xaxis.set_major_formatter(lambda value, _: f"{value:.0f}")
        axes.set_xlabel("embedding size d")
        set_percent(axes.yaxis)
    panels[0].set_ylabel(metric)
    legend = [legend_entry(style) for style in styles.values()]
    set_head(figure, f"{metric} by embedding size", legend)
    return figure
