"""The runs of an experiment as jobs: train, then evaluate."""

from collections.abc import Mapping, Sequence

from tagkeras.cli.errors import UserError
from tagkeras.evaluate.evaluation import MODEL, Evaluation
from tagkeras.experiment.command_flags import as_arguments
from tagkeras.experiment.experiment_folder import ExperimentFolder
from tagkeras.experiment.jobs import Job, Outcome, run_jobs
from tagkeras.experiment.run_reports import RunReports
from tagkeras.experiment.runs import Run
from tagkeras.experiment.spec import Spec


def make_runs(
    folder: ExperimentFolder,
    spec: Spec,
    runs: Sequence[Run],
    environments: Sequence[Mapping[str, str]],
) -> None:
    """Trains and evaluates the runs that are not there yet.

    Args:
        folder: of the experiment, locked.
        spec: of the experiment.
        runs: all of them.
        environments: of the runs that there are at a time; see `jobs.run_jobs`.

    Raises:
        UserError: runs failed; all others are made.
    """
    waiting = [run for run in runs if not folder.is_finished(run)]
    with_baselines = choose_with_baselines(folder, runs)
    jobs = {
        run.path: Job(
            name=run.path,
            commands=[
                train_command(folder, spec, run),
                evaluate_command(folder, spec, run, baselines=run in with_baselines),
            ],
            log=folder.path / run.log,
            prepare=lambda run=run: folder.clear(run),  # type: ignore[misc]
        )
        for run in waiting
    }
    by_name = {run.path: run for run in waiting}
    failed: list[Outcome] = []
    with RunReports(len(runs), len(runs) - len(waiting), len(environments)) as reports:

        def ended(outcome: Outcome) -> None:
            job = outcome.job
            if outcome.status:
                failed.append(outcome)
                reports.failed(job.name, outcome.seconds, job.log, outcome.status)
            else:
                reports.ended(job.name, outcome.seconds, summarize(folder, by_name[job.name]))

        run_jobs(list(jobs.values()), environments=environments, on_end=ended)
    if failed:
        first = failed[0].job
        others = f" and {len(failed) - 1} others" if len(failed) > 1 else ""
        raise UserError(
            f"{first.name}{others} of {len(runs)} runs failed, see {first.log}; no tables were"
            " written: mend what is wrong there and give the same command again"
        )


def choose_with_baselines(folder: ExperimentFolder, runs: Sequence[Run]) -> set[Run]:
    """The runs to evaluate baselines with: of each dataset the first, unless one has them already.

    They are the same for all runs of a dataset.
    """
    chosen = set()
    for dataset in dict.fromkeys(run.dataset for run in runs):
        of_dataset = [run for run in runs if run.dataset == dataset]
        finished = [run for run in of_dataset if folder.is_finished(run)]
        waiting = [run for run in of_dataset if run not in finished]
        loaded = (Evaluation.load(folder.path / run.evaluation) for run in finished)
        if waiting and not any(set(one.metrics["intervals"]) - {MODEL} for one in loaded):
            chosen.add(waiting[0])
    return chosen


def train_command(folder: ExperimentFolder, spec: Spec, run: Run) -> list[str]:
    """Arguments of Python that train a run, or go on with it."""
    size = run.configuration
    flags = {
        **spec.train,
        "data": spec.datasets[run.dataset].path,
        "workdir": str(folder.path / run.workdir),
        "model": size.model,
        "embedding_dim": str(size.embedding_dim),
        **({"rank": str(size.rank)} if size.rank else {}),
        "seed": str(run.seed),
    }
    return ["-m", "tagkeras.train", *as_arguments(flags)]


def evaluate_command(
    folder: ExperimentFolder, spec: Spec, run: Run, *, baselines: bool
) -> list[str]:
    """Arguments of Python that evaluate a run.

    Args:
        folder: of the experiment.
        spec: of the experiment.
        run: that was trained.
        baselines: evaluate baselines and oracles with it.
    """
    dataset = spec.datasets[run.dataset]
    flags = {
        **spec.evaluate,
        "data": dataset.path,
        "workdir": str(folder.path / run.workdir),
        "output": str(folder.path / run.evaluation),
        "split": spec.split,
    }
    if not baselines:
        flags["baselines"] = ""
    elif dataset.oracle:
        flags["oracle"] = dataset.oracle
    return ["-m", "tagkeras.evaluate", *as_arguments(flags)]


def summarize(folder: ExperimentFolder, run: Run) -> str:
    """What a run reached, in a few words."""
    metrics = Evaluation.load(folder.path / run.evaluation).metrics
    ks = metrics["ks"]
    names = (f"P@{ks[0]}", f"R@{ks[-1]}", f"A@{ks[-1]}")
    return ", ".join(f"{name} {100 * metrics[name]:.1f}%" for name in names)
