"""Makes the runs of an experiment side by side, in processes that do not outlive this one."""

import asyncio
import os
import signal
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from tagkeras.cli import files
from tagkeras.cli.errors import UserError
from tagkeras.cli.progress import progress
from tagkeras.evaluate.evaluation import MODEL, Evaluation
from tagkeras.experiment.spec import Run, Spec

# A Python program that becomes another, `python -c _CHILD PARENT_ID -m tagkeras.train ...`, which
# Linux kills when the process PARENT_ID ends, however that ends: 1 is PR_SET_PDEATHSIG and outlives
# execve. Elsewhere it outlives a killed parent, and the lock of its workdir keeps the next run out.
_CHILD = """
import ctypes, os, signal, sys
if sys.platform == "linux":
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)
if os.getppid() != int(sys.argv[1]):  # the parent ended before the signal was asked for
    sys.exit(1)
os.execv(sys.executable, [sys.executable, *sys.argv[2:]])
"""
# Lines of the log that are shown of a run that failed.
_LAST_LINES = 10


def make_runs(folder: Path, spec: Spec, environments: Sequence[Mapping[str, str]]) -> None:
    """Trains and evaluates the runs that are not finished; failures do not stop the others.

    The folder of the experiment is locked; `environments` are variables for each of the runs that
    are made at the same time.

    Raises:
        UserError: runs failed; all others are finished.
        KeyboardInterrupt: this process was interrupted or terminated; all runs are stopped.
    """
    waiting = [run for run in spec.runs if not run.is_finished(folder)]
    with_baselines = _choose_with_baselines(folder, spec.runs)
    free: asyncio.Queue[Mapping[str, str]] = asyncio.Queue()
    for environment in environments:
        free.put_nowait(environment)
    failed = []

    async def make(run: Run) -> None:
        environment, start = await free.get(), time.monotonic()
        files.remove(folder / run.evaluation)  # leftovers of a killed evaluation
        commands = commands_of(folder, spec, run, baselines=run in with_baselines)
        if status := await _call(commands, _log(folder, run), environment):
            failed.append(run)
        free.put_nowait(environment)
        seconds, outcome = time.monotonic() - start, _describe(folder, run, status)
        print(f"{run.path} ({seconds:.0f} s): {outcome}", file=sys.stderr, flush=True)
        advance(1)

    async def make_all() -> None:
        if this := asyncio.current_task():  # terminated, it stops the runs, as after Ctrl-C
            asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, this.cancel)
        await asyncio.gather(*map(make, waiting))

    with progress("training and evaluating", len(waiting), "runs") as advance:
        try:
            asyncio.run(make_all())
        except asyncio.CancelledError:
            raise KeyboardInterrupt from None
    if failed:
        others = f" and {len(failed) - 1} others" if len(failed) > 1 else ""
        raise UserError(
            f"{failed[0].path}{others} of {len(spec.runs)} runs failed, see"
            f" {_log(folder, failed[0])}; no tables were written: correct what is wrong there"
            " and give the same command again"
        )


async def _call(
    commands: Sequence[Sequence[str]], log: Path, environment: Mapping[str, str]
) -> int:
    """Calls Python with the arguments of each command; the exit status of one that failed, or 0."""
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab", buffering=0) as output:
        for command in commands:
            output.write(f"$ python {' '.join(command)}\n".encode())
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-I", "-c", _CHILD, str(os.getpid()), *command),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=output,
                stderr=asyncio.subprocess.STDOUT,
                env={**os.environ, **environment},
                process_group=0,  # Ctrl-C on the terminal reaches this process alone
            )
            try:
                status = await process.wait()
            except asyncio.CancelledError:
                process.terminate()
                await process.wait()
                raise
            if status:
                return status
    return 0


def commands_of(folder: Path, spec: Spec, run: Run, *, baselines: bool) -> list[list[str]]:
    """Arguments of Python that train a run, or resume its training, and that evaluate it.

    Baselines and oracles are the same for all runs on a dataset: `baselines` asks for them.
    """
    (model, dim, rank), dataset = run.configuration, spec.datasets[run.dataset]
    shared = {"data": dataset.path, "workdir": folder / "runs" / run.path}
    size = {"model": model, "embedding_dim": dim, **({"rank": rank} if rank else {})}
    train = {**spec.train, **shared, **size, "seed": run.seed}
    evaluate = {**spec.evaluate, **shared, "output": folder / run.evaluation, "split": spec.split}
    if not baselines:
        evaluate["baselines"] = ""
    elif dataset.oracle:
        evaluate["oracle"] = dataset.oracle
    return [
        ["-m", module, *(f"--{name}={value}" for name, value in flags.items())]
        for module, flags in (("tagkeras.train", train), ("tagkeras.evaluate", evaluate))
    ]


def _choose_with_baselines(folder: Path, runs: Sequence[Run]) -> set[Run]:
    """The first run of each dataset, unless a finished one has the dataset's baselines already."""
    finished = [run for run in runs if run.is_finished(folder)]
    chosen = {run.dataset: run for run in reversed(runs) if run not in finished}
    for run in finished:
        if set(Evaluation.load(folder / run.evaluation).metrics["intervals"]) - {MODEL}:
            chosen.pop(run.dataset, None)
    return set(chosen.values())


def share_machine(parallel: int | None, num_runs: int, num_gpus: int) -> list[dict[str, str]]:
    """The environment variables, threads and GPU, of each of the runs made at the same time.

    Without `parallel` it is one run per GPU, or per core where there are none: of small models, two
    runs of one thread each are faster than one after the other with two (docs/experiments.md). Of
    variables that the user has set, only which GPU is given.
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
    visible = os.environ.get("CUDA_VISIBLE_DEVICES") or ",".join(map(str, range(num_gpus)))
    gpus = visible.split(",")
    return [common | {"CUDA_VISIBLE_DEVICES": gpus[run % num_gpus]} for run in range(at_a_time)]


def _log(folder: Path, run: Run) -> Path:
    return folder / "logs" / f"{run.path}.log"


def _describe(folder: Path, run: Run, status: int) -> str:
    """The metrics of a run, or the end of its log if it failed."""
    if status:
        log = _log(folder, run)
        lines = log.read_text(encoding="utf-8", errors="replace").splitlines()[-_LAST_LINES:]
        return "\n  ".join([f"failed with exit status {status}, the end of {log}:", *lines])
    metrics = Evaluation.load(folder / run.evaluation).metrics
    first, last = metrics["ks"][0], metrics["ks"][-1]
    names = (f"P@{first}", f"R@{last}", f"A@{last}")
    return ", ".join(f"{name} {100 * metrics[name]:.1f}%" for name in names)
