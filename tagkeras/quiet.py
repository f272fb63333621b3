"""Keeps TensorFlow's start-up noise off the screen.

TensorFlow writes notes about the processor, oneDNN and absent CUDA drivers to file descriptor 2
while it is imported and when it first looks for devices, before any log level can be set. They
are held back here by their source file; every other line, an error above all, is passed on.
"""

import contextlib
import os
import re
import sys
import tempfile
from collections.abc import Iterator

_NOISE = re.compile(
    r"WARNING: All log messages before absl::InitializeLog"
    r"|To enable the following instructions: "
    r"|^[IWE]\d{4} .*\b(port|cudart_stub|cuda_platform|cuda_executor|cuda_diagnostics"
    r"|cpu_feature_guard|util)\.cc:\d+\]"
)


@contextlib.contextmanager
def without_noise() -> Iterator[None]:
    """Runs the block with TensorFlow's known start-up lines removed from standard error."""
    sys.stderr.flush()
    try:
        stderr = os.dup(2)
    except OSError:  # no standard error at all: nothing to filter
        yield
        return
    with tempfile.TemporaryFile() as held_back:
        os.dup2(held_back.fileno(), 2)
        try:
            yield
        finally:
            sys.stderr.flush()
            os.dup2(stderr, 2)
            os.close(stderr)
            held_back.seek(0)
            for line in held_back.read().decode(errors="replace").splitlines():
                if not _NOISE.search(line):
                    print(line, file=sys.stderr)


def import_tensorflow() -> None:
    """Imports TensorFlow and looks for devices, quietly. Call it first in a command's process."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "1")
    with without_noise():
        import tensorflow as tf

        tf.config.list_physical_devices()
