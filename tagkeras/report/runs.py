"""The runs of a report, and those of them that are of the same posts."""

import dataclasses
import functools
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tagkeras.cli.errors import UserError
from tagkeras.data.manifest import Manifest
from tagkeras.data.vocabulary import Vocabulary
from tagkeras.evaluate.comparison import check_comparable
from tagkeras.evaluate.evaluation import Evaluation
from tagkeras.train.workdir import Workdir

# More lines than these cannot be told apart in a figure, nor columns be read beside each other.
MOST_SHOWN = 4
_SEED = re.compile(r"-seed\d+$")
MULTIPLICATIVE, BILINEAR = "multiplicative", "bilinear"


@dataclasses.dataclass(frozen=True, eq=False)
class Run:
    """A trained model and its evaluation.

    Attributes:
        name: of its folder.
        evaluation: of the split that the report is about.
        workdir: where it was trained; None if that folder is gone.
        dataset: folder that it was evaluated on; None if that folder is gone.
    """

    name: str
    evaluation: Evaluation
    workdir: Workdir | None
    dataset: Path | None

    @property
    def model(self) -> str:
        """`bilinear`, `user_biased` or `multiplicative`."""
        return str(self.evaluation.metrics["model"])

    @property
    def metrics(self) -> dict[str, Any]:
        """Content of `metrics.json`."""
        return self.evaluation.metrics

    @functools.cached_property
    def validation(self) -> float | None:
        """Recall at the best epoch on the validation posts; None if it is not known."""
        if self.workdir is None:
            return None
        best = self.workdir.best_epoch()
        return next((v for name, v in best.items() if name.startswith("val_R@")), None)


@dataclasses.dataclass(frozen=True, eq=False)
class RunGroup:
    """Runs that were evaluated on the same posts.

    Attributes:
        name: of their dataset: `natural`, `balanced`, or as an experiment calls it.
        runs: by what they are called in tables and figures.
    """

    name: str
    runs: dict[str, Run]

    @property
    def first(self) -> Run:
        """Any of the runs, to ask what all have in common."""
        return next(iter(self.runs.values()))

    @functools.cached_property
    def with_baselines(self) -> Run:
        """The run whose evaluation has most other rankings: those of the posts, whatever the run.

        In an experiment, one run of a dataset has them for all.
        """
        return max(self.runs.values(), key=lambda run: len(run.metrics["intervals"]))

    @property
    def is_natural(self) -> bool:
        """Whether no hashtags were taken off the posts."""
        return bool(self.first.metrics["dataset"]["distribution"] == "natural")

    @functools.cached_property
    def ks(self) -> tuple[int, ...]:
        """How many predictions metrics count, rising: those that all the runs have."""
        common = set.intersection(*(set(run.metrics["ks"]) for run in self.runs.values()))
        return tuple(sorted(common))

    @property
    def headline(self) -> str:
        """The metric that runs are ranked by: recall at the largest k."""
        return f"R@{self.ks[-1]}"

    @property
    def best(self) -> str:
        """The run that is ahead in the headline metric."""
        return max(self.runs, key=lambda name: self.runs[name].metrics[self.headline])

    @functools.cached_property
    def shown(self) -> dict[str, Run]:
        """The runs that figures and samples show: all, or of each model the best on validation."""
        if len(self.runs) <= MOST_SHOWN:
            return self.runs
        chosen: dict[str, str] = {}
        for name, run in self.runs.items():
            other = chosen.get(run.model)
            if other is None or (run.validation or 0) > (self.runs[other].validation or 0):
                chosen[run.model] = name
        return {name: run for name, run in self.runs.items() if name in chosen.values()}

    def of_model(self, model: str) -> str | None:
        """The shown run of a model, the best on validation if there are several; None if none."""
        names = [name for name, run in self.shown.items() if run.model == model]
        return max(names, key=lambda name: self.runs[name].validation or 0, default=None)

    @property
    def dataset(self) -> Path | None:
        """The folder of the dataset; None if it is gone."""
        return self.first.dataset

    @functools.cached_property
    def manifest(self) -> Manifest | None:
        """Of the dataset, or of the copy in a workdir; None if both are gone."""
        if self.dataset is not None:
            return Manifest.load(self.dataset)
        workdir = self.first.workdir
        return None if workdir is None else workdir.manifest()

    @functools.cached_property
    def vocabulary(self) -> Vocabulary:
        """Of the model, with the counts in training posts."""
        tags = self.first.evaluation.tags
        return Vocabulary(tuple(tags.column("tag").to_pylist()), tags.column("count").to_numpy())


def make_group(name: str, runs: Sequence[Run]) -> RunGroup:
    """Names runs by their models where that tells them apart, else by their folders.

    A name starts with the model: figures choose colours by it.

    Raises:
        UserError: they are of different posts, have no k in common, or one is there twice.
    """
    first = runs[0]
    names: dict[str, Run] = {}
    models = [run.model for run in runs]
    # What an experiment with one seed calls its runs all ends alike.
    seeds = {"".join(_SEED.findall(run.name)) for run in runs}
    seed = seeds.pop() if len(seeds) == 1 else ""
    for run in runs:
        check_comparable(first.evaluation, run.evaluation)
        if models.count(run.model) == 1:
            label = run.model
        else:
            short = run.name.removesuffix(seed)
            label = short if short.startswith(run.model) else f"{run.model} ({short})"
        if label in names:
            raise UserError(
                f"{names[label].evaluation.path} and {run.evaluation.path} have the same name:"
                " give each run once, in a folder of its own name"
            )
        names[label] = run
    group = RunGroup(name, names)
    if not group.ks:
        raise UserError(
            f"the runs on {name} posts have no k in common: evaluate them with the same --ks"
        )
    return group
