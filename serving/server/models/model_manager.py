"""Loads, swaps and unloads versions as the disk and the config say, and hands them to calls."""

import contextlib
import gc
import logging
import os
import threading
import time
from collections.abc import Callable, Iterable, Iterator

import grpc
from tensorflow_serving.apis import get_model_status_pb2, model_pb2
from tensorflow_serving.config import model_server_config_pb2

from serving.server.errors import ServingError, invalid_argument, not_found
from serving.server.flags import ManagerOptions
from serving.server.inference.servable import Servable
from serving.server.metrics import Metrics
from serving.server.models import model_config
from serving.server.models.managed_version import ManagedVersion, load
from serving.server.models.versions import State, VersionSource, next_step

_log = logging.getLogger(__name__)
# How often a wait checks whether its caller has given up.
_CANCEL_CHECK_SECONDS = 0.2


class ModelManager:
    """The models of a server.

    A thread compares the disk with what is loaded and takes `next_step` until there is none; loads
    and unloads run in threads of their own, and `metrics` measures them. A version that takes over
    is available before the one it replaces begins to unload, and that one ends with its last call.
    """

    def __init__(
        self, options: ManagerOptions | None = None, *, metrics: Metrics | None = None
    ) -> None:
        self._options = options or ManagerOptions()
        self._metrics = metrics or Metrics()
        self._config = model_server_config_pb2.ModelServerConfig()
        self._models: dict[str, dict[int, ManagedVersion]] = {}
        self._labels: model_config.Labels = {}
        # Guards everything above, and is notified of every change of it.
        self._changed = threading.Condition()
        threads = os.cpu_count() or 1
        self._load_slots = threading.Semaphore(self._options.num_load_threads or threads)
        self._unload_slots = threading.Semaphore(self._options.num_unload_threads or threads)
        self._poll_due = 0.0
        # Models polled since the last config, each with the error of its poll.
        self._polled: dict[str, ServingError | None] = {}
        self._source = VersionSource()
        self._closed = False
        self._unload_by = float("inf")
        self._workers: set[threading.Thread] = set()
        self._thread = threading.Thread(target=self._manage, name="model-manager", daemon=True)

    @property
    def config(self) -> model_server_config_pb2.ModelServerConfig:
        """A copy of the config last taken over."""
        config = model_server_config_pb2.ModelServerConfig()
        with self._changed:
            config.CopyFrom(self._config)
        return config

    def reload(
        self,
        config: model_server_config_pb2.ModelServerConfig,
        cancelled: Callable[[], bool] = lambda: False,
    ) -> None:
        """Takes over a config, and waits until each new model of it has an available version.

        Models that the config no longer has are unloaded. Nothing changes if it is refused.
        The wait ends early once `cancelled()`.

        `ServingError` if the config is not valid, a label points to a version that is not
        available, or no version of a new model could be loaded.
        """
        with self._changed:
            model_config.check(self._config, config)
            labels = model_config.assign_labels(
                config,
                self._labels,
                lambda name, number: self._state(name, number) is State.AVAILABLE,
                allow_unavailable=self._options.allow_version_labels_for_unavailable_models,
            )
            known = {model.name for model in self._config.model_config_list.config}
            self._config = model_server_config_pb2.ModelServerConfig()
            self._config.CopyFrom(config)
            self._labels = labels
            self._polled.clear()
            self._poll_due = 0.0
            names = [model.name for model in config.model_config_list.config]
            for name in known.difference(names):
                self._aspire(name, {})
            if not self._thread.ident:
                self._thread.start()
            self._changed.notify_all()
        self._wait_for(set(names) - known, cancelled)

    @contextlib.contextmanager
    def serving(self, spec: model_pb2.ModelSpec) -> Iterator[Servable]:
        """The version that a ModelSpec asks for, held loaded until the block ends.

        `NOT_FOUND` for a model or version that is not available, `INVALID_ARGUMENT` for an unknown
        label or no name at all.
        """
        with self._changed:
            version = self._find(spec)
            version.calls += 1
        try:
            assert version.servable is not None
            yield version.servable
        finally:
            with self._changed:
                version.calls -= 1
                if version.state is State.UNLOADING and not version.calls:
                    self._changed.notify_all()

    def status(self, spec: model_pb2.ModelSpec) -> get_model_status_pb2.GetModelStatusResponse:
        """The versions of a model, newest first, those that failed or were unloaded included.

        A version in `spec` selects that one, a label is ignored; `NOT_FOUND` if there is none.
        """
        with self._changed:
            versions = self._models.get(spec.name, {})
            if spec.HasField("version"):
                number = spec.version.value
                if number not in versions:
                    raise not_found(f"Could not find version {number} of model {spec.name}")
                versions = {number: versions[number]}
            if not versions:
                raise not_found(f"Could not find any versions of model {spec.name}")
            newest_first = sorted(versions, reverse=True)
            return get_model_status_pb2.GetModelStatusResponse(
                model_version_status=[versions[number].status() for number in newest_first]
            )

    def wait_for_state(self, name: str, version: int, state: State, timeout: float) -> bool:
        """Waits until a version is in a state; false if it is not within `timeout` seconds."""
        with self._changed:
            return self._changed.wait_for(lambda: self._state(name, version) is state, timeout)

    def close(self, grace: float = float("inf")) -> None:
        """Ends every thread and unloads every version, giving its calls `grace` seconds."""
        with self._changed:
            self._closed = True
            self._unload_by = time.monotonic() + grace
            for name in self._models:
                self._aspire(name, {})
            self._changed.notify_all()
        if self._thread.ident:
            self._thread.join()
        while True:
            with self._changed:
                self._take_steps()
                workers = list(self._workers)
            if not workers:
                return
            for worker in workers:
                worker.join()

    def _find(self, spec: model_pb2.ModelSpec) -> ManagedVersion:
        if not spec.name:
            raise invalid_argument("ModelSpec has no name specified.")
        available = {
            number: version
            for number, version in self._models.get(spec.name, {}).items()
            if version.state is State.AVAILABLE
        }
        choice = spec.WhichOneof("version_choice")
        if choice is None:
            if not available:
                raise not_found(f"Servable not found for request: Latest({spec.name})")
            return available[max(available)]
        number = spec.version.value
        if choice == "version_label":
            labels = self._labels.get(spec.name, {})
            if spec.version_label not in labels:
                raise invalid_argument(f"Unrecognized servable version label: {spec.version_label}")
            number = labels[spec.version_label]
        if number not in available:
            raise not_found(f"Servable not found for request: Specific({spec.name}, {number})")
        return available[number]

    def _state(self, name: str, number: int) -> State | None:
        version = self._models.get(name, {}).get(number)
        return version.state if version else None

    def _wait_for(self, names: Iterable[str], cancelled: Callable[[], bool]) -> None:
        polls_again = self._options.file_system_poll_wait_seconds > 0
        with self._changed:
            while True:
                pending, failed = [], []
                for name in sorted(names):
                    if not self._base_path(name):  # a later reload took it away
                        continue
                    wanted = [v for v in self._models.get(name, {}).values() if v.aspired]
                    if any(version.state is State.AVAILABLE for version in wanted):
                        continue
                    ended = [version for version in wanted if version.state is State.END]
                    if wanted and len(ended) == len(wanted):
                        failed += ended
                    elif not wanted and name in self._polled and not polls_again:
                        raise self._polled[name] or not_found(
                            "Unable to find a numerical version path for servable "
                            f"{name} at: {self._base_path(name)}"
                        )
                    else:
                        pending.append(name)
                if failed:
                    reasons = "".join(f"{{{v} due to error: {v.error}}}, " for v in failed)
                    raise ServingError(
                        grpc.StatusCode.UNKNOWN,
                        f"{len(failed)} model(s) did not become available: {{{reasons}}}",
                    )
                if not pending or self._closed or cancelled():
                    return
                self._changed.wait(_CANCEL_CHECK_SECONDS)

    def _base_path(self, name: str) -> str:
        models = self._config.model_config_list.config
        return next((model.base_path for model in models if model.name == name), "")

    def _manage(self) -> None:
        """The manager's thread: polls the disk when due, takes the next steps, waits."""
        while True:
            with self._changed:
                if self._closed:
                    return
                due = time.monotonic() >= self._poll_due
                models = list(self._config.model_config_list.config) if due else []
                if due:
                    wait = self._options.file_system_poll_wait_seconds
                    self._poll_due = time.monotonic() + wait if wait > 0 else float("inf")
            for model in models:
                self._poll(model)
            with self._changed:
                if not self._take_steps() and not self._closed:
                    pause = self._poll_due - time.monotonic()
                    if pause > 0:
                        self._changed.wait(None if pause == float("inf") else pause)

    def _poll(self, model: model_server_config_pb2.ModelConfig) -> None:
        """Finds the versions of one model; an unreadable folder changes nothing."""
        failure, found = None, None
        try:
            found = self._source.poll(model)
        except ServingError as error:
            failure = error
        except Exception as error:  # whatever a file system does: the thread has to live
            _log.exception("Could not poll %s", model.base_path)
            failure = ServingError(grpc.StatusCode.INTERNAL, f"{model.base_path}: {error}")
        with self._changed:
            if model in self._config.model_config_list.config and not self._closed:
                self._polled[model.name] = failure
                if found is not None:
                    self._aspire(model.name, found)
                self._changed.notify_all()

    def _aspire(self, name: str, found: dict[int, str]) -> None:
        """Makes `found` (folders by number) the wanted versions of a model."""
        versions = self._models.setdefault(name, {})
        for number, version in list(versions.items()):
            if number in found:
                continue
            version.aspired = False
            version.no_retry.set()
            if version.state is State.START:
                del versions[number]
        for number, path in found.items():
            known = versions.get(number)
            if known is None or (known.state is State.END and not known.aspired):
                versions[number] = ManagedVersion(name, number, path)
            elif known.state is not State.END and not known.aspired:
                known.aspired = True
                known.no_retry.clear()

    def _take_steps(self) -> bool:
        """Starts what the policy says is next for each model; true if there was anything."""
        taken = False
        for versions in self._models.values():
            step = next_step(
                {number: v.state for number, v in versions.items() if v.aspired},
                {number: v.state for number, v in versions.items() if not v.aspired},
            )
            if step is None:
                continue
            action, number = step
            version = versions[number]
            version.state = State.LOADING if action == "load" else State.UNLOADING
            self._start(self._load if action == "load" else self._unload, version)
            taken = True
        return taken

    def _start(self, work: Callable[[ManagedVersion], None], version: ManagedVersion) -> None:
        def run() -> None:
            try:
                work(version)
            finally:
                with self._changed:
                    self._workers.discard(threading.current_thread())
                    self._changed.notify_all()

        worker = threading.Thread(target=run, daemon=True)
        self._workers.add(worker)
        worker.start()

    def _load(self, version: ManagedVersion) -> None:
        servable, error = load(version, self._options, self._load_slots, self._metrics)
        with self._changed:
            version.servable = servable
            version.error = error
            version.state = State.AVAILABLE if servable else State.END
            self._changed.notify_all()
        if servable:
            _log.info("Successfully loaded servable version %s", version)

    def _unload(self, version: ManagedVersion) -> None:
        with self._changed:
            self._changed.notify_all()
            while version.calls and (left := self._unload_by - time.monotonic()) > 0:
                self._changed.wait(None if left == float("inf") else left)
            servable, version.servable = version.servable, None
        assert servable is not None
        with self._unload_slots:
            servable.close()
            del servable
            gc.collect()  # graphs and sessions are full of reference cycles
        with self._changed:
            version.state = State.END
            self._changed.notify_all()
        _log.info("Done unloading servable version %s", version)
