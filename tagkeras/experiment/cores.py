"""How the machine is shared out to runs side by side."""

import os
from collections.abc import Sequence


def count_cores() -> int:
    """Cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def choose_parallel(asked: int | None, *, num_runs: int, num_cores: int, num_gpus: int) -> int:
    """How many runs there are at a time.

    On processors one run a core: on small models two runs of one thread are done sooner than two of
    two threads one after the other (docs/experiments.md). On GPUs one run each.

    Args:
        asked: `--parallel`; None to choose.
        num_runs: still to do.
        num_cores: of the processor.
        num_gpus: that TensorFlow sees.
    """
    return max(1, min(asked or num_gpus or num_cores, num_runs))


def share_out(parallel: int, *, num_cores: int, gpus: Sequence[str]) -> list[dict[str, str]]:
    """The environment of each of the runs that there are at a time.

    Args:
        parallel: how many.
        num_cores: shared out evenly as threads.
        gpus: ids of GPUs as in CUDA_VISIBLE_DEVICES; each run sees one.

    Returns:
        Environment variables. Those that the user has set stay as they are.
    """
    threads = str(max(1, num_cores // parallel))
    names = ("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS", "OMP_NUM_THREADS")
    environments = []
    for slot in range(parallel):
        environment = dict.fromkeys(names, threads)
        if gpus:
            environment["CUDA_VISIBLE_DEVICES"] = gpus[slot % len(gpus)]
            # Without it each process takes the memory of the whole GPU.
            environment["TF_FORCE_GPU_ALLOW_GROWTH"] = "true"
        # A user who has set one knows better; which GPU it is, is chosen from what the user set.
        environments.append(
            {
                name: value
                for name, value in environment.items()
                if name == "CUDA_VISIBLE_DEVICES" or name not in os.environ
            }
        )
    return environments


def visible_gpus(num_gpus: int) -> list[str]:
    """Ids of the GPUs as in CUDA_VISIBLE_DEVICES."""
    given = os.environ.get("CUDA_VISIBLE_DEVICES")
    return given.split(",")[:num_gpus] if given else [str(gpu) for gpu in range(num_gpus)]
