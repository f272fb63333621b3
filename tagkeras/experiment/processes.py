"""Child processes that do not outlive this one, and their shares of the machine."""

import contextlib
import os
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from concurrent.futures import CancelledError
from pathlib import Path
from typing import IO

_CHILD = str(Path(__file__).with_name("child.py"))
# Seconds that a process has to end after it was asked to.
_PATIENCE = 10.0


class Processes:
    """Runs Python in child processes, from any number of threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._running: set[subprocess.Popen[bytes]] = set()
        self._stopped = False

    def run(self, arguments: Sequence[str], log: IO[bytes], environment: Mapping[str, str]) -> int:
        """Runs Python to its end and returns its exit status.

        Args:
            arguments: of Python.
            log: takes what it prints.
            environment: variables in addition to those of this process.

        Raises:
            CancelledError: `stop` was called.
        """
        with self._lock:
            if self._stopped:
                raise CancelledError
            # A process group of its own: Ctrl-C on the terminal reaches this process alone.
            process = subprocess.Popen(
                [sys.executable, _CHILD, str(os.getpid()), *arguments],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env={**os.environ, **environment},
                process_group=0,
            )
            self._running.add(process)
        try:
            return process.wait()
        finally:
            with self._lock:
                self._running.discard(process)

    def stop(self) -> None:
        """Ends all processes, and lets no other begin."""
        with self._lock:
            self._stopped = True
            running = list(self._running)
        for process in running:
            process.terminate()
        for process in running:
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(_PATIENCE)
            process.kill()


def share_machine(parallel: int | None, num_runs: int, *, num_gpus: int) -> list[dict[str, str]]:
    """The environment variables of each of the runs that are made at the same time.

    Without GPUs it is one run per core: of small models, two runs of one thread each are faster
    than one after the other with two threads (docs/experiments.md).

    Args:
        parallel: runs at a time; None for one per GPU, or per core where there are none.
        num_runs: still to be made.
        num_gpus: that TensorFlow sees; each run sees one.

    Returns:
        Threads and GPU of each. Variables that the user has set are left out, except which GPU.
    """
    num_cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    num_cores = num_cores or 1
    at_a_time = max(1, min(parallel or num_gpus or num_cores, num_runs))
    names = ("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS", "OMP_NUM_THREADS")
    common = dict.fromkeys(names, str(max(1, num_cores // at_a_time)))
    if num_gpus:
        common["TF_FORCE_GPU_ALLOW_GROWTH"] = "true"  # otherwise each run takes all its memory
    common = {name: value for name, value in common.items() if name not in os.environ}
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    gpus = visible.split(",") if visible else [str(gpu) for gpu in range(num_gpus)]
    return [
        {**common, **({"CUDA_VISIBLE_DEVICES": gpus[slot % num_gpus]} if num_gpus else {})}
        for slot in range(at_a_time)
    ]
