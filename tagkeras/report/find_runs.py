"""From the folders on the command line to runs that have been evaluated."""

import sys
from collections.abc import Sequence
from pathlib import Path

from tagkeras.cli.errors import UserError
from tagkeras.evaluate.evaluate import weights_fingerprint
from tagkeras.evaluate.evaluation import METRICS, Evaluation
from tagkeras.experiment.experiment_folder import FILE_NAME
from tagkeras.report.evaluate_run import EvaluationOptions, dataset_of, evaluate_run
from tagkeras.report.finished_experiment import FinishedExperiment
from tagkeras.report.runs import Run, RunGroup, make_group
from tagkeras.train.workdir import Workdir


class RunFinder:
    """Finds the runs of folders, and evaluates those that are not evaluated yet.

    A folder is a workdir of `tagkeras.train`, one that `tagkeras.evaluate` wrote, or that of a
    `tagkeras.experiment`, which stands for all of its runs.

    Args:
        evaluations: folder to keep evaluations of workdirs in.
        data: dataset of workdirs; None for the one that each was trained on.
        options: of evaluations.
    """

    def __init__(self, evaluations: Path, data: str | None, options: EvaluationOptions) -> None:
        self._evaluations = evaluations
        self._data = data
        self._options = options
        self._taken: set[str] = set()
        self.experiments: list[FinishedExperiment] = []

    def find(self, folders: Sequence[str]) -> list[RunGroup]:
        """The runs of all the folders, those on the same posts together.

        Runs of one kind of dataset (natural, balanced) are to be compared: so they must be of the
        same posts.

        Raises:
            UserError: a folder is none of the three, a run cannot be evaluated, or runs that are to
                be compared are of different posts.
        """
        found: dict[str, list[Run]] = {}
        for folder in dict.fromkeys(str(Path(folder)) for folder in folders):
            for dataset, run in self._runs_of(Path(folder)):
                same = _group_of(run, found)
                found.setdefault(same or dataset, []).append(run)
        return [make_group(name, runs) for name, runs in found.items()]

    def _runs_of(self, folder: Path) -> list[tuple[str, Run]]:
        """The runs of a folder, each with the name of its dataset."""
        if (folder / FILE_NAME).is_file():
            experiment = FinishedExperiment.load(folder)
            self.experiments.append(experiment)
            return [
                (run.dataset, self._evaluated(run.evaluation, run.name)) for run in experiment.runs
            ]
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
        return [(run.metrics["dataset"]["distribution"], run)]

    def _trained(self, folder: Path) -> Run:
        workdir = Workdir(folder)
        dataset = dataset_of(workdir, self._data)
        name = self._free_name(folder.resolve())
        evaluation = evaluate_run(workdir, dataset, self._evaluations / name, self._options)
        return Run(name, evaluation, workdir, dataset)

    def _evaluated(self, folder: Path, name: str) -> Run:
        evaluation = Evaluation.load(folder)
        metrics = evaluation.metrics
        if metrics["split"] != self._options.split:
            raise UserError(
                f"{folder} is of the {metrics['split']} split: give --split={metrics['split']},"
                f" or evaluate the run with --split={self._options.split}"
            )
        workdir = Workdir(metrics["workdir"])
        dataset = Path(metrics["dataset"]["path"])
        is_there = workdir.is_started and (workdir.best / "model.index").exists()
        if is_there and metrics.get("identity", {}).get("weights") != weights_fingerprint(workdir):
            print(
                f"{folder} is of other weights than {workdir.path} has now: the page leaves out"
                " what it would take from there; run python -m tagkeras.evaluate again to have it",
                file=sys.stderr,
            )
            is_there = False
        return Run(
            name,
            evaluation,
            workdir if is_there else None,
            dataset if (dataset / "dataset.json").is_file() else None,
        )

    def _free_name(self, folder: Path) -> str:
        """The name of a workdir, with those of its parents in front if others have the same."""
        for first in range(len(folder.parts) - 1, 0, -1):
            name = "-".join(folder.parts[first:])
            if name not in self._taken:
                self._taken.add(name)
                return name
        raise UserError(f"{folder} is given twice: give each run once")


def _group_of(run: Run, found: dict[str, list[Run]]) -> str | None:
    """The group whose posts a run was evaluated on; None if there is none yet."""
    for name, runs in found.items():
        if runs[0].metrics["dataset"]["fingerprint"] == run.metrics["dataset"]["fingerprint"]:
            return name
    return None
