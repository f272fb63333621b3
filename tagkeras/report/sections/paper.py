"""An experiment beside the paper: claim by claim, and number by number."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

from markupsafe import Markup

from tagkeras.experiment.spec import Configuration
from tagkeras.experiment.tables import PAPER
from tagkeras.report.drawing import Estimate, Row, draw_rows
from tagkeras.report.experiment import Experiment
from tagkeras.report.inputs import Inputs, Omitted
from tagkeras.report.runs import MULTIPLICATIVE, Run, RunGroup


def build(inputs: Inputs) -> dict[str, Any]:
    """The verdicts on the paper's claims, and its table beside ours."""
    experiment = inputs.experiment
    if experiment is None:
        raise Omitted(
            "the runs are of no experiment: python -m tagkeras.experiment repeats the paper's."
        )
    groups = [group for group in inputs.groups if group.name in experiment.tables]
    natural = next((group for group in groups if group.is_natural), None)
    ours = experiment.tables[natural.name] if natural else {}
    models = list(dict.fromkeys(size.model for size in PAPER))
    sizes = {size for size in (*PAPER, *ours) if size.model in models}
    return {
        "findings": experiment.findings,
        "natural": natural,
        "metrics": list(PAPER[Configuration("frequency_baseline")]),
        # The frequency baseline, and each model in each size that the paper has or we have.
        "sizes": sorted(sizes, key=lambda size: (models.index(size.model), *size[1:])),
        "paper": PAPER,
        "ours": ours,
        "num_runs": Counter(map(_size_of, natural.runs.values())) if natural else {},
        "figure": _draw_sizes(inputs, experiment, groups),
    }


def _size_of(run: Run) -> Configuration:
    """The size of a run; without its workdir, none is known."""
    config = run.workdir.config() if run.workdir else {"embedding_dim": 0, "rank": 0}
    rank = config["rank"] if run.model == MULTIPLICATIVE else 0
    return Configuration(run.model, config["embedding_dim"], rank)


def _draw_sizes(
    inputs: Inputs, experiment: Experiment, groups: Sequence[RunGroup]
) -> Markup | None:
    """Recall by d, of each model in its best rank on validation; None if there is only one d."""
    panels = {}
    for group in groups:
        best: dict[tuple[int, str], Run] = {}
        for run in group.runs.values():
            key = (_size_of(run).embedding_dim, run.model)
            if run.workdir and (key not in best or run.validation > best[key].validation):
                best[key] = run
        rows: dict[int, dict[str, Estimate]] = {}
        for (dim, model), run in sorted(best.items()):
            rows.setdefault(dim, {})[model] = experiment.tables[group.name][_size_of(run)][
                group.headline
            ]
        panels[group.name] = [Row(f"d = {dim}", estimates) for dim, estimates in rows.items()]
    if max(map(len, panels.values()), default=0) < 2:
        return None
    figure = draw_rows(panels, title=f"{groups[0].headline} by embedding size")
    return inputs.figures.add(figure, "dimensions")
