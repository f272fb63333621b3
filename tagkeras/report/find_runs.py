"""From the folders on the command line to evaluated runs."""

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import pyarrow.compute as pc

from tagkeras.cli.errors import UserError
from tagkeras.data.manifest import Manifest, fingerprint
from tagkeras.evaluate.config import Config as EvaluateConfig
from tagkeras.evaluate.evaluate import evaluate, identity_of
from tagkeras.evaluate.evaluation import METRICS, Evaluation
from tagkeras.experiment.experiment import FILE_NAME
from tagkeras.report.config import Config
from tagkeras.report.experiment import Experiment
from tagkeras.report.runs import Run, RunGroup, make_group
from tagkeras.train.workdir import Workdir


class RunFinder:
    """Finds the runs of folders, and evaluates those that are not evaluated yet.

    A folder is a workdir of `tagkeras.train`, one that `tagkeras.evaluate` wrote, or that of a
    `tagkeras.experiment`, which stands for all of its runs. Evaluations of workdirs go to
    `evaluations/` in the output of the report.
    """

    def __init__(self, config: Config) -> None:
        self._config = config
        self._names: set[str] = set()
        self.experiment: Experiment | None = None

    def find(self, folders: Sequence[str]) -> list[RunGroup]:
        """The runs of all the folders, grouped by the posts that they were evaluated on.

        Runs on the same distribution (natural, balanced) are compared with each other: they must be
        of the same posts.

        Raises:
            UserError: a folder is none of the three, a run cannot be evaluated, or runs that are
                compared are of different posts.
        """
        found: dict[str, list[Run]] = {}
        names: dict[str, str] = {}
        for folder in dict.fromkeys(Path(folder) for folder in folders):
            for dataset, run in self._runs_of(folder):
                posts = str(run.metrics["dataset"]["fingerprint"])
                found.setdefault(names.setdefault(posts, dataset), []).append(run)
        groups = [make_group(name, runs) for name, runs in found.items()]
        for group in groups:
            _check_tags(self._config.tags, group)
        return groups

    def _runs_of(self, folder: Path) -> Iterator[tuple[str, Run]]:
        """The runs of a folder, each with the name of its dataset."""
        if (folder / FILE_NAME).is_file():
            experiment = Experiment.load(folder)
            self.experiment = self.experiment or experiment
            for listed in experiment.runs:
                yield listed.dataset, self._evaluated(folder / listed.evaluation, listed.name)
            return
        if (folder / METRICS).is_file():
            run = self._evaluated(folder, folder.resolve().name)
        elif (folder / "config.json").is_file():
            run = self._trained(folder)
        else:
            what = "holds none" if folder.is_dir() else "is not there"
            raise UserError(
                f"{folder} {what}: give a workdir of tagkeras.train, a folder that"
                " tagkeras.evaluate wrote, or that of a tagkeras.experiment"
            )
        yield run.metrics["dataset"]["distribution"], run

    def _trained(self, folder: Path) -> Run:
        """The run of a workdir, evaluated."""
        workdir, data = Workdir(folder), self._config.data
        dataset = Path(data or str(workdir.config()["data"])).resolve()
        if data is None and not dataset.is_dir():
            raise UserError(
                f"{folder} was trained on {dataset}, which is not there: give --data=DATASET"
            )
        name = self._free_name(folder.resolve())
        output = Path(self._config.output) / "evaluations" / name
        return Run(name, _evaluate(workdir, dataset, output, self._config), workdir, dataset)

    def _evaluated(self, folder: Path, name: str) -> Run:
        """The run of a folder of `tagkeras.evaluate`."""
        evaluation = Evaluation.load(folder)
        metrics = evaluation.metrics
        if metrics["split"] != self._config.split:
            raise UserError(
                f"{folder} is of the {metrics['split']} split: give --split={metrics['split']},"
                f" or evaluate the run with --split={self._config.split}"
            )
        workdir, dataset = Workdir(metrics["workdir"]), Path(metrics["dataset"]["path"])
        is_there = workdir.is_started and (workdir.best / "model.index").exists()
        weights = metrics.get("identity", {}).get("weights")
        if is_there and weights != identity_of(workdir, None)["weights"]:
            print(
                f"{folder} is of other weights than {workdir.path} has now: the page leaves out"
                " what needs the weights; run python -m tagkeras.evaluate again to have it",
                file=sys.stderr,
            )
            is_there = False
        has_data = (dataset / "dataset.json").is_file()
        return Run(name, evaluation, workdir if is_there else None, dataset if has_data else None)

    def _free_name(self, folder: Path) -> str:
        """The name of a workdir, with those of its parents before it if another has the same."""
        for first in range(len(folder.parts) - 1, 0, -1):
            name = "-".join(folder.parts[first:])
            if name not in self._names:
                self._names.add(name)
                return name
        raise UserError(f"{folder} is given twice: give each run once")


def _evaluate(workdir: Workdir, dataset: Path, output: Path, config: Config) -> Evaluation:
    """Evaluates a run, or loads the evaluation in `output` if it is the same."""
    workdir.best_epoch()
    if config.oracle and not Path(config.oracle).is_file():
        raise UserError(f"--oracle={config.oracle}: no such file")
    try:
        found = Evaluation.load(output)
        metrics = found.metrics
        _ = found.posts, found.predictions  # intact
        if (
            metrics["workdir"] == str(workdir.path.resolve())
            and metrics["split"] == config.split
            and metrics["dataset"]["fingerprint"] == fingerprint(dataset, Manifest.load(dataset))
            and metrics.get("identity") == identity_of(workdir, config.oracle)
            and tags_with_curve(found).issuperset(config.tags)
        ):
            return found
    except UserError:
        pass  # there is none, or it is damaged
    evaluate(
        EvaluateConfig(
            workdir=str(workdir.path.resolve()),
            data=str(dataset),
            output=str(output),
            split=config.split,
            oracle=config.oracle,
            tags=config.tags,
        )
    )
    return Evaluation.load(output)


def tags_with_curve(evaluation: Evaluation) -> set[str]:
    """The tags with a precision-recall curve, and those on no post, which can have none."""
    tags = evaluation.tags
    has_curve = pc.or_(pc.is_valid(tags["average_precision"]), pc.equal(tags["truth"], 0))
    return set(tags.filter(has_curve)["tag"].to_pylist())


def _check_tags(tags: Sequence[str], group: RunGroup) -> None:
    """Makes sure that the tags of `--tags` are known and have curves."""
    for tag in tags:
        if tag not in group.vocabulary.ids:
            raise UserError(f"--tags={tag}: not in the vocabulary of {group.first.evaluation.path}")
        for run in group.shown.values():
            if tag not in tags_with_curve(run.evaluation):
                raise UserError(
                    f"--tags={tag}: no curve in {run.evaluation.path}:"
                    f" run python -m tagkeras.evaluate --tags={tag} again"
                )
