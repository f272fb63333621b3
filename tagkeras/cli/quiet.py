"""Keeps TensorFlow's start-up noise off the screen.

TensorFlow writes notes about the processor, oneDNN and absent CUDA drivers to file descriptor 2
while it is imported and when it first looks for devices, before any log level can be set. They
are held back here by their source file; every other line, an error above all, is passed on.
"""

import contextlib
import importlib.abc
import importlib.util
import os
import re
import sys
import tempfile
from collections.abc import Iterator, Sequence
from importlib.machinery import ModuleSpec
from types import ModuleType

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


class _QuietImport(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Imports TensorFlow, and looks for devices, without the noise."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname != "tensorflow":
            return None
        sys.meta_path.remove(self)
        spec = importlib.util.find_spec(fullname)
        if spec is not None and spec.loader is not None:
            self._loader, spec.loader = spec.loader, self
        return spec

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        return self._loader.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        # What TensorFlow asks of its loader later is the business of its own.
        assert module.__spec__ is not None
        module.__spec__.loader = module.__loader__ = self._loader
        with without_noise():
            self._loader.exec_module(module)
            module.config.list_physical_devices()


def install() -> None:
    """Makes the first `import tensorflow` of this process a quiet one."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "1")
    if "tensorflow" not in sys.modules:
        sys.meta_path.insert(0, _QuietImport())
