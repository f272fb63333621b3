"""What a manager knows of one version, and how the version is loaded."""

import dataclasses
import logging
import threading

import grpc
from tensorflow_serving.apis import get_model_status_pb2

from serving.server.errors import ServingError
from serving.server.flags import ManagerOptions
from serving.server.inference.servable import Servable
from serving.server.inference.warmup import warm_up
from serving.server.metrics import Metrics
from serving.server.models.versions import State

_log = logging.getLogger(__name__)


@dataclasses.dataclass
class ManagedVersion:
    """A version as its manager keeps it; all but the first three change under the manager's lock.

    Attributes:
        path: folder of the SavedModel.
        aspired: whether the version policy wants it.
        error: why it could not be loaded.
        servable: there while it is available or unloading.
        calls: calls under way.
        no_retry: set to give up further attempts to load it.
    """

    name: str
    number: int
    path: str
    aspired: bool = True
    state: State = State.START
    error: ServingError | None = None
    servable: Servable | None = None
    calls: int = 0
    no_retry: threading.Event = dataclasses.field(default_factory=threading.Event)

    def __str__(self) -> str:
        return f"{{name: {self.name} version: {self.number}}}"

    def status(self) -> get_model_status_pb2.ModelVersionStatus:
        """The version's entry in GetModelStatus."""
        status = get_model_status_pb2.ModelVersionStatus(version=self.number, state=int(self.state))
        status.status.error_code = self.error.code.value[0] if self.error else 0
        status.status.error_message = self.error.message if self.error else ""
        return status


def load(
    version: ManagedVersion, options: ManagerOptions, slots: threading.Semaphore, metrics: Metrics
) -> tuple[Servable | None, ServingError | None]:
    """Loads and warms up a version: the servable, or the error of the last attempt.

    A slot is taken for each attempt, not for the pauses between them. Once the version's `no_retry`
    is set, there is no further attempt.
    """
    error = ServingError(grpc.StatusCode.CANCELLED, "Load cancelled before we could try to load.")
    pause = max(0.0, options.load_retry_interval_micros / 1e6)
    for attempt in range(1 + options.max_num_load_retries):
        if version.no_retry.wait(pause if attempt else 0):
            break
        try:
            with slots:
                return _load_once(version, options, metrics), None
        except Exception as failure:  # of any kind: the other versions keep serving
            error = ServingError(grpc.StatusCode.UNKNOWN, str(failure))
            if isinstance(failure, ServingError):
                # A new one: the frames of the failure's traceback hold the model.
                error = ServingError(failure.code, failure.message)
            left = options.max_num_load_retries - attempt
            more = f"; {left} more attempts, one every {pause:g} s" if left else ""
            _log.error("Servable: %s load failure: %s%s", version, error, more)
    return None, error


def _load_once(version: ManagedVersion, options: ManagerOptions, metrics: Metrics) -> Servable:
    threads = options.tensorflow_session_parallelism
    servable = Servable(
        version.name,
        version.number,
        version.path,
        metrics=metrics,
        check_method_names=options.enable_signature_method_name_check,
        intra_op_threads=options.tensorflow_intra_op_parallelism or threads,
        inter_op_threads=options.tensorflow_inter_op_parallelism or threads,
    )
    try:
        if options.enable_model_warmup:
            warm_up(servable, iterations=options.num_request_iterations_for_warmup)
    except BaseException:
        servable.close()
        raise
    return servable
