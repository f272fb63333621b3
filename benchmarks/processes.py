"""Commands as whole processes: their time and memory."""

import os
import subprocess
import sys
import time
from typing import NamedTuple


class Usage(NamedTuple):
    """What a process used.

    Attributes:
        seconds: from its start to its end, imports and all.
        peak_mib: resident memory of the largest of its processes.
    """

    seconds: float
    peak_mib: float


def run_module(module: str, *arguments: str, **flags: object) -> Usage:
    """Runs `python -m module` with arguments and flags; its output goes to standard error.

    Raises:
        RuntimeError: it failed.
    """
    command = [sys.executable, "-m", module, *arguments]
    command += [f"--{name}={value}" for name, value in flags.items()]
    start = time.monotonic()
    process = subprocess.Popen(command, stdout=sys.stderr)
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.monotonic() - start
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(f"{' '.join(command)} failed")
    return Usage(seconds, usage.ru_maxrss / 1024)
