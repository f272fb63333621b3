"""Makes the runs of an experiment side by side: each is trained, then evaluated."""

import contextlib
import queue
import signal
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed

from tagkeras.cli import files
from tagkeras.cli.errors import UserError
from tagkeras.cli.progress import progress
from tagkeras.evaluate.evaluation import MODEL, Evaluation
from tagkeras.experiment.experiment_folder import ExperimentFolder
from tagkeras.experiment.processes import Processes
from tagkeras.experiment.runs import Run
from tagkeras.experiment.spec import Spec

# Lines of the log that are shown of a run that failed.
_LAST_LINES = 10


def make_runs(
    folder: ExperimentFolder, spec: Spec, environments: Sequence[Mapping[str, str]]
) -> None:
    """Makes the runs that are not finished; one that fails does not keep the others from it.

    Args:
        folder: of the experiment, locked.
        spec: of the experiment.
        environments: variables for each of the runs that are made at the same time.

    Raises:
        UserError: runs failed; all others are finished.
        KeyboardInterrupt: this process was interrupted or terminated; no run goes on.
    """
    waiting = [run for run in spec.runs if not folder.is_finished(run)]
    with_baselines = choose_with_baselines(folder, spec.runs)
    processes = Processes()
    free: queue.SimpleQueue[Mapping[str, str]] = queue.SimpleQueue()
    for environment in environments:
        free.put(environment)

    def make(run: Run) -> tuple[int, float]:
        """The exit status of the command that failed, or 0; and the seconds it all took."""
        start, environment = time.monotonic(), free.get()
        files.remove(folder.path / run.evaluation)  # what a killed evaluation left
        log = folder.path / run.log
        log.parent.mkdir(parents=True, exist_ok=True)
        status = 0
        with log.open("ab", buffering=0) as output:
            for command in (
                train_command(folder, spec, run),
                evaluate_command(folder, spec, run, baselines=run in with_baselines),
            ):
                output.write(f"$ python {' '.join(command)}\n".encode())
                if status := processes.run(command, output, environment):
                    break
        free.put(environment)
        return status, time.monotonic() - start

    failed: list[Run] = []
    with (
        progress("training and evaluating", len(waiting), "runs") as advance,
        _terminated_as_interrupted(),
        ThreadPoolExecutor(len(environments)) as pool,
    ):
        futures = {pool.submit(make, run): run for run in waiting}
        try:
            for future in as_completed(futures):
                run, (status, seconds) = futures[future], future.result()
                if status:
                    failed.append(run)
                outcome = _failure(folder, run, status) if status else _success(folder, run)
                print(f"{run.path} ({seconds:.0f} s): {outcome}", file=sys.stderr, flush=True)
                advance(1)
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            processes.stop()
            raise
    if failed:
        others = f" and {len(failed) - 1} others" if len(failed) > 1 else ""
        raise UserError(
            f"{failed[0].path}{others} of {len(spec.runs)} runs failed, see"
            f" {folder.path / failed[0].log}; no tables were written: correct what is wrong there"
            " and give the same command again"
        )


def choose_with_baselines(folder: ExperimentFolder, runs: Sequence[Run]) -> set[Run]:
    """The runs to evaluate baselines with: the first of each dataset, unless one has them already.

    Baselines are the same for all runs on a dataset.
    """
    chosen = set()
    for dataset in dict.fromkeys(run.dataset for run in runs):
        on_dataset = [run for run in runs if run.dataset == dataset]
        finished = [run for run in on_dataset if folder.is_finished(run)]
        waiting = [run for run in on_dataset if run not in finished]
        loaded = (Evaluation.load(folder.path / run.evaluation) for run in finished)
        if waiting and not any(set(one.metrics["intervals"]) - {MODEL} for one in loaded):
            chosen.add(waiting[0])
    return chosen


def train_command(folder: ExperimentFolder, spec: Spec, run: Run) -> list[str]:
    """Arguments of Python that train a run, or resume its training."""
    size = run.configuration
    flags = {
        **spec.train,
        "data": spec.datasets[run.dataset].path,
        "workdir": folder.path / run.workdir,
        "model": size.model,
        "embedding_dim": size.embedding_dim,
        **({"rank": size.rank} if size.rank else {}),
        "seed": run.seed,
    }
    return ["-m", "tagkeras.train", *(f"--{name}={value}" for name, value in flags.items())]


def evaluate_command(
    folder: ExperimentFolder, spec: Spec, run: Run, *, baselines: bool
) -> list[str]:
    """Arguments of Python that evaluate a trained run, with baselines and oracles or without."""
    dataset = spec.datasets[run.dataset]
    flags = {
        **spec.evaluate,
        "data": dataset.path,
        "workdir": folder.path / run.workdir,
        "output": folder.path / run.evaluation,
        "split": spec.split,
    }
    if not baselines:
        flags["baselines"] = ""
    elif dataset.oracle:
        flags["oracle"] = dataset.oracle
    return ["-m", "tagkeras.evaluate", *(f"--{name}={value}" for name, value in flags.items())]


@contextlib.contextmanager
def _terminated_as_interrupted() -> Iterator[None]:
    """Within the block, SIGTERM does what Ctrl-C does."""
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _success(folder: ExperimentFolder, run: Run) -> str:
    metrics = Evaluation.load(folder.path / run.evaluation).metrics
    ks = metrics["ks"]
    names = (f"P@{ks[0]}", f"R@{ks[-1]}", f"A@{ks[-1]}")
    return ", ".join(f"{name} {100 * metrics[name]:.1f}%" for name in names)


def _failure(folder: ExperimentFolder, run: Run, status: int) -> str:
    log = folder.path / run.log
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines()[-_LAST_LINES:]
    return "\n  ".join([f"failed with exit status {status}, the end of {log}:", *lines])
