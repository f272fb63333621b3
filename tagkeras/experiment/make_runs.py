"""Makes the runs of an experiment side by side, in processes that do not outlive this one."""

import os
import queue
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path

from tagkeras.cli import files
from tagkeras.cli.errors import UserError
from tagkeras.cli.progress import progress
from tagkeras.evaluate.evaluation import MODEL, Evaluation
from tagkeras.experiment.experiment_folder import ExperimentFolder
from tagkeras.experiment.runs import Run
from tagkeras.experiment.spec import Spec

_CHILD = str(Path(__file__).with_name("child.py"))
# Lines of the log that are shown of a run that failed.
_LAST_LINES = 10


def make_runs(
    folder: ExperimentFolder, spec: Spec, environments: Sequence[Mapping[str, str]]
) -> None:
    """Trains and evaluates the runs that are not finished; failures do not stop the others.

    Args:
        folder: of the experiment, locked.
        spec: of the experiment.
        environments: variables for each of the runs that are made at the same time.

    Raises:
        UserError: runs failed; all others are finished.
        KeyboardInterrupt: this process was interrupted or terminated; all runs are stopped.
    """
    waiting = [run for run in spec.runs if not folder.is_finished(run)]
    with_baselines = choose_with_baselines(folder, spec.runs)
    free: queue.SimpleQueue[Mapping[str, str]] = queue.SimpleQueue()
    for environment in environments:
        free.put(environment)
    processes: set[subprocess.Popen[bytes]] = set()
    stopped = threading.Event()

    def make(run: Run) -> tuple[int, float]:
        """The exit status of the command that failed, or 0; and how many seconds it took."""
        start, environment = time.monotonic(), free.get()
        files.remove(folder.path / run.evaluation)  # leftovers of a killed evaluation
        log = folder.path / run.log
        log.parent.mkdir(parents=True, exist_ok=True)
        status = 0
        with log.open("ab", buffering=0) as output:
            for command in commands_of(folder, spec, run, baselines=run in with_baselines):
                output.write(f"$ python {' '.join(command)}\n".encode())
                process = subprocess.Popen(
                    [sys.executable, _CHILD, str(os.getpid()), *command],
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=subprocess.STDOUT,
                    env={**os.environ, **environment},
                    process_group=0,  # Ctrl-C on the terminal reaches this process alone
                )
                processes.add(process)
                if stopped.is_set():
                    process.terminate()
                if status := process.wait():
                    break
        free.put(environment)
        return status, time.monotonic() - start

    failed: list[Run] = []
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # stops the runs, as Ctrl-C does
    with (
        progress("training and evaluating", len(waiting), "runs") as advance,
        ThreadPoolExecutor(len(environments)) as pool,
    ):
        futures = {pool.submit(make, run): run for run in waiting}
        try:
            for future in as_completed(futures):
                run, (status, seconds) = futures[future], future.result()
                if status:
                    failed.append(run)
                outcome = _describe(folder, run, status)
                print(f"{run.path} ({seconds:.0f} s): {outcome}", file=sys.stderr, flush=True)
                advance(1)
        except BaseException:
            stopped.set()
            pool.shutdown(wait=False, cancel_futures=True)
            for process in list(processes):
                process.terminate()
            raise
    if failed:
        others = f" and {len(failed) - 1} others" if len(failed) > 1 else ""
        raise UserError(
            f"{failed[0].path}{others} of {len(spec.runs)} runs failed, see"
            f" {folder.path / failed[0].log}; no tables were written: correct what is wrong there"
            " and give the same command again"
        )


def share_machine(parallel: int | None, num_runs: int, *, num_gpus: int) -> list[dict[str, str]]:
    """The environment variables of each of the runs that are made at the same time.

    Without GPUs it is one run per core: of small models, two runs of one thread each are faster
    than one after the other with two threads (docs/experiments.md).

    Args:
        parallel: runs at a time; None for one per GPU, or per core where there are none.
        num_runs: still to be made.
        num_gpus: that TensorFlow sees; each run sees one.

    Returns:
        Threads and GPU of each; of variables that the user has set, only which GPU.
    """
    affinity = getattr(os, "sched_getaffinity", None)
    num_cores = len(affinity(0)) if affinity else os.cpu_count() or 1
    at_a_time = max(1, min(parallel or num_gpus or num_cores, num_runs))
    names = ("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS", "OMP_NUM_THREADS")
    variables = dict.fromkeys(names, str(max(1, num_cores // at_a_time)))
    variables["TF_FORCE_GPU_ALLOW_GROWTH"] = "true"  # otherwise each takes a GPU's whole memory
    common = {name: value for name, value in variables.items() if name not in os.environ}
    if not num_gpus:
        return [common] * at_a_time
    gpus = (os.environ.get("CUDA_VISIBLE_DEVICES") or ",".join(map(str, range(num_gpus)))).split(
        ","
    )
    return [common | {"CUDA_VISIBLE_DEVICES": gpus[run % num_gpus]} for run in range(at_a_time)]


def choose_with_baselines(folder: ExperimentFolder, runs: Sequence[Run]) -> set[Run]:
    """The first run of each dataset, unless a finished one has the dataset's baselines already."""
    chosen: dict[str, Run] = {}
    for run in reversed(runs):
        if not folder.is_finished(run):
            chosen[run.dataset] = run
    for run in runs:
        if run.dataset in chosen and folder.is_finished(run):
            intervals = Evaluation.load(folder.path / run.evaluation).metrics["intervals"]
            if set(intervals) - {MODEL}:
                del chosen[run.dataset]
    return set(chosen.values())


def commands_of(
    folder: ExperimentFolder, spec: Spec, run: Run, *, baselines: bool
) -> list[list[str]]:
    """Arguments of Python that train a run, or resume its training, and that evaluate it.

    Args:
        folder: of the experiment.
        spec: of the experiment.
        run: to make.
        baselines: evaluate baselines and oracles too.
    """
    size, dataset = run.configuration, spec.datasets[run.dataset]
    shared = {"data": dataset.path, "workdir": folder.path / run.workdir}
    train = spec.train | shared | {"model": size.model, "embedding_dim": size.embedding_dim}
    train |= {"rank": size.rank} if size.rank else {}
    train |= {"seed": run.seed}
    evaluate = (
        spec.evaluate | shared | {"output": folder.path / run.evaluation, "split": spec.split}
    )
    if not baselines:
        evaluate["baselines"] = ""
    elif dataset.oracle:
        evaluate["oracle"] = dataset.oracle
    return [
        ["-m", module, *(f"--{name}={value}" for name, value in flags.items())]
        for module, flags in (("tagkeras.train", train), ("tagkeras.evaluate", evaluate))
    ]


def _describe(folder: ExperimentFolder, run: Run, status: int) -> str:
    """The metrics of a run, or the end of its log if it failed."""
    if status:
        log = folder.path / run.log
        lines = log.read_text(encoding="utf-8", errors="replace").splitlines()[-_LAST_LINES:]
        return "\n  ".join([f"failed with exit status {status}, the end of {log}:", *lines])
    metrics = Evaluation.load(folder.path / run.evaluation).metrics
    first, last = metrics["ks"][0], metrics["ks"][-1]
    names = (f"P@{first}", f"R@{last}", f"A@{last}")
    return ", ".join(f"{name} {100 * metrics[name]:.1f}%" for name in names)
