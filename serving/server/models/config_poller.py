"""Follows the changes of a model config file while a server runs."""

import logging
import os
import threading
from types import TracebackType

from serving.server.errors import ServingError
from serving.server.models import model_config
from serving.server.models.model_manager import ModelManager
from tagkeras.cli.errors import UserError

_log = logging.getLogger(__name__)


class ConfigPoller:
    """Re-reads a config file again and again and hands what is new to a manager.

    A file that cannot be read or a config that is refused is logged, once, and the old config
    stays. Use it as a context manager.

    Args:
        manager: whose config it is.
        path: ascii ModelServerConfig.
        seconds: between two reads.
    """

    def __init__(self, manager: ModelManager, path: str | os.PathLike[str], seconds: float) -> None:
        self._manager = manager
        self._path = path
        self._seconds = seconds
        self._logged = ""
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="config-poller", daemon=True)

    def __enter__(self) -> "ConfigPoller":
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._stopping.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stopping.wait(self._seconds):
            self._poll()

    def _poll(self) -> None:
        problem = ""
        try:
            config = model_config.read(self._path)
            if config != self._manager.config:
                self._manager.reload(config, self._stopping.is_set)
                _log.info("Reloaded the model config file %s", self._path)
        except UserError as error:
            problem = f"Failed to read ModelServerConfig file: {error}"
        except ServingError as error:
            problem = f"Failed to reload ModelServerConfig file {self._path}: {error}"
        if problem and problem != self._logged:
            _log.error("%s", problem)
        self._logged = problem
