"""The runs of a report, grouped by the posts that they were evaluated on."""

import dataclasses
import functools
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa

from tagkeras.cli.errors import UserError
from tagkeras.data.manifest import Manifest
from tagkeras.data.vocabulary import Vocabulary
from tagkeras.evaluate.comparison import check_comparable
from tagkeras.evaluate.evaluation import MODEL, Evaluation
from tagkeras.models.hashtag_model import HashtagModel
from tagkeras.report.drawing import Estimate
from tagkeras.train.model import restore_model
from tagkeras.train.workdir import Workdir

BILINEAR, MULTIPLICATIVE = "bilinear", "multiplicative"
# More lines in a figure cannot be told apart.
_MAX_SHOWN = 4
_SEED = re.compile(r"-seed\d+$")


@dataclasses.dataclass(frozen=True, eq=False)
class Run:
    """A trained model, named by its folder, and its evaluation.

    `workdir`, where it was trained, and `dataset`, which it was evaluated on, are None if gone.
    """

    name: str
    evaluation: Evaluation
    workdir: Workdir | None
    dataset: Path | None

    @property
    def metrics(self) -> dict[str, Any]:
        """Content of `metrics.json`."""
        return self.evaluation.metrics

    @property
    def model(self) -> str:
        """`bilinear`, `user_biased` or `multiplicative`."""
        return str(self.metrics["model"])

    def estimate(self, metric: str, ranking: str = MODEL) -> Estimate:
        """A metric of the model, or of another ranking of the same posts, with its interval."""
        values = self.metrics if ranking == MODEL else self.metrics[ranking]
        return Estimate(values[metric], self.metrics["intervals"][ranking].get(metric))

    @functools.cached_property
    def validation(self) -> float:
        """Recall at the best epoch on the validation posts; 0 if it is not known."""
        best = self.workdir.best_epoch() if self.workdir else {}
        return next((value for name, value in best.items() if name.startswith("val_R@")), 0.0)

    @functools.cached_property
    def manifest(self) -> Manifest | None:
        """Of the dataset, or of its copy in the workdir; None if both are gone."""
        if self.dataset is not None:
            return Manifest.load(self.dataset)
        return self.workdir.manifest() if self.workdir else None

    @property
    def ignored_facts(self) -> tuple[str, ...]:
        """The facts of users that the model does not look at, since training posts tell nothing."""
        if self.manifest is None:
            return ()
        masked, columns = self.manifest.masked_facts, self.manifest.facts.columns
        return tuple(one.title for one in columns if one.fact in masked)

    @functools.cached_property
    def restored(self) -> HashtagModel:
        """The model with the weights of its best epoch; only if the workdir is there."""
        assert self.workdir is not None
        return restore_model(self.workdir)


@dataclasses.dataclass(frozen=True, eq=False)
class RunGroup:
    """Runs that were evaluated on the same posts, by their names in tables and figures.

    The name is that of their dataset: `natural`, `balanced`, or as an experiment calls it.
    """

    name: str
    runs: dict[str, Run]

    @property
    def first(self) -> Run:
        """Any of the runs, for what all have in common."""
        return next(iter(self.runs.values()))

    @functools.cached_property
    def with_baselines(self) -> Run:
        """The run whose evaluation has the most baselines, which do not depend on the run.

        In an experiment, one run of a dataset has them.
        """
        return max(self.runs.values(), key=lambda run: len(run.metrics["intervals"]))

    @property
    def is_natural(self) -> bool:
        """Whether no hashtags were removed by balancing."""
        return bool(self.first.metrics["dataset"]["distribution"] == "natural")

    @functools.cached_property
    def ks(self) -> tuple[int, ...]:
        """The k of metrics that all the runs have, rising."""
        return tuple(sorted(set.intersection(*(set(r.metrics["ks"]) for r in self.runs.values()))))

    @property
    def headline(self) -> str:
        """The metric that runs are ranked by: recall at the largest k."""
        return f"R@{self.ks[-1]}"

    @property
    def best(self) -> str:
        """The run that is best in the headline metric."""
        return max(self.runs, key=lambda name: self.runs[name].metrics[self.headline])

    @functools.cached_property
    def shown(self) -> dict[str, Run]:
        """The runs in figures and samples: all, or of each model the best on validation."""
        if len(self.runs) <= _MAX_SHOWN:
            return self.runs
        best: dict[str, Run] = {}
        for run in self.runs.values():
            if run.model not in best or run.validation > best[run.model].validation:
                best[run.model] = run
        return {name: run for name, run in self.runs.items() if run in best.values()}

    def of_model(self, model: str) -> str | None:
        """The shown run of a model, the best on validation if there are several; None if none."""
        names = [name for name, run in self.shown.items() if run.model == model]
        return max(names, key=lambda name: self.runs[name].validation, default=None)

    @property
    def tag_tables(self) -> dict[str, pa.Table]:
        """`tags.parquet` of each shown run: a row for each hashtag."""
        return {name: run.evaluation.tags for name, run in self.shown.items()}

    @functools.cached_property
    def vocabulary(self) -> Vocabulary:
        """The hashtags that can be predicted, with their counts in training posts."""
        tags = self.first.evaluation.tags
        return Vocabulary(tuple(tags.column("tag").to_pylist()), tags.column("count").to_numpy())


def make_group(name: str, runs: Sequence[Run]) -> RunGroup:
    """Names runs by their models where that tells them apart, else by their folders.

    A name starts with the model, which decides the style in figures.

    Raises:
        UserError: they are of different posts, have no k in common, or one is there twice.
    """
    names: dict[str, Run] = {}
    models = [run.model for run in runs]
    # In an experiment with one seed, all names end in it.
    seeds = {"".join(_SEED.findall(run.name)) for run in runs}
    seed = seeds.pop() if len(seeds) == 1 else ""
    for run in runs:
        check_comparable(runs[0].evaluation, run.evaluation)
        short = run.name.removesuffix(seed)
        if models.count(run.model) == 1:
            short = run.model
        elif not short.startswith(run.model):
            short = f"{run.model} ({short})"
        if short in names:
            raise UserError(
                f"{names[short].evaluation.path} and {run.evaluation.path} have the same name:"
                " give each run once, in a folder of its own name"
            )
        names[short] = run
    group = RunGroup(name, names)
    if not group.ks:
        raise UserError(
            f"the runs on {name} posts have no k in common: evaluate them with the same --ks"
        )
    return group
