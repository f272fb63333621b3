"""Keeps TensorFlow's notes about the machine off the screen of commands.

TensorFlow writes them to file descriptor 2 before any log level applies: about oneDNN, absent CUDA
drivers and the processor, at its import, at the first look for devices and at the first product of
float16 matrices; and libjpeg has words of its own for a broken picture, beside the error that is
raised. `grep`, a process of its own, takes these lines out of what native code writes. Every other
line goes on to standard error, also that of a crash; `sys.stderr` does not pass through it.
"""

import atexit
import contextlib
import os
import shutil
import subprocess
import sys

NOISE = (
    r"^WARNING: All log messages before absl::InitializeLog"
    r"|^To enable the following instructions: "
    r"|^[IWE][0-9]{4} .* (port|cudart_stub|cuda_platform|cuda_executor|cuda_diagnostics"
    r"|cpu_feature_guard|util|jpeg_mem)\.cc:[0-9]+\]"
    r"|^Improper call to JPEG library"
)


def hold_back_noise() -> None:
    """Filters what native code of this process writes to standard error from now on.

    Does nothing without `grep` or without a standard error.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "1")
    grep = shutil.which("grep")
    try:
        stderr = os.dup(2)
    except OSError:
        return
    if grep is None:
        os.close(stderr)
        return
    sys.stderr.flush()
    # A session of its own: the terminal's Ctrl-C is for the command, whose last words it passes on.
    held = subprocess.Popen(
        [grep, "--line-buffered", "-avE", NOISE],
        stdin=subprocess.PIPE,
        stdout=stderr,
        start_new_session=True,
    )
    assert held.stdin is not None
    os.dup2(held.stdin.fileno(), 2)
    held.stdin.close()
    encoding = sys.stderr.encoding
    sys.stderr = os.fdopen(stderr, "w", 1, encoding=encoding, errors="backslashreplace")
    atexit.register(_finish, held)


def _finish(held: "subprocess.Popen[bytes]") -> None:
    """Lets the last lines through before the process ends."""
    os.dup2(sys.stderr.fileno(), 2)
    # It ends with the last holder of the pipe, which may be a child process that goes on.
    with contextlib.suppress(subprocess.TimeoutExpired):
        held.wait(timeout=1)
