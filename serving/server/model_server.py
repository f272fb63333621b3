"""The embedded server: a manager of models behind a gRPC port and, if asked for, a REST port."""

from collections.abc import Callable, Sequence
from concurrent import futures

import grpc
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from tensorflow_serving.apis import model_service_pb2_grpc, prediction_service_pb2_grpc
from tensorflow_serving.config import model_server_config_pb2

from serving.server.errors import ServingError
from serving.server.flags import GRPC_THREADS, REST_THREADS, ManagerOptions
from serving.server.grpc_services import ModelService, PredictionService
from serving.server.metrics import Metrics
from serving.server.models.model_manager import ModelManager
from serving.server.rest_api.application import RestApplication
from serving.server.rest_api.rest_server import RestServer

DEFAULT_GRACE_SECONDS = 30.0
# Photos and batches of them are larger than gRPC's default of 4 MiB.
MESSAGE_OPTIONS = (("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1))
# The names under which the original reports its health; the server as a whole has none.
_HEALTH_NAMES = ("", "ModelService", "PredictionService")


class ModelServer:
    """Serves models in this process, with the APIs of `tensorflow_model_server`.

    Example:
        with ModelServer(model_config.single_model("tags", "/models/tags")) as server:
            client = HashtagClient(server.endpoint, "tags")

    Args:
        config: the models.
        port: TCP port of the gRPC API; 0 takes any free one, which `port` then names.
        host: address to listen on; all interfaces by default, as the original.
        options: how versions are found and loaded.
        max_threads: gRPC calls answered at the same time.
        rest_port: TCP port of the REST API; 0 takes any free one, None serves no REST.
        rest_timeout: seconds after which the computation of a REST request is stopped.
        rest_threads: REST requests answered at the same time.
        cors: let web pages of any origin ask the REST API.
        socket_path: of a UNIX socket on which to serve gRPC as well.
        credentials: TLS of the gRPC API; None for plain text.
        channel_arguments: further names and values of gRPC's own settings.
        monitoring_path: where the REST port shows the metrics; None for nowhere.
        health: answer gRPC's standard health checks.
        tensor_content: answer numbers of Predict over gRPC in `tensor_content`.

    Attributes:
        manager: the models and their states.
        metrics: what is counted and measured.
        port: the port of the gRPC API, once started.
    """

    def __init__(
        self,
        config: model_server_config_pb2.ModelServerConfig,
        *,
        port: int = 0,
        host: str = "0.0.0.0",
        options: ManagerOptions | None = None,
        max_threads: int = GRPC_THREADS,
        rest_port: int | None = None,
        rest_timeout: float = 30.0,
        rest_threads: int = REST_THREADS,
        cors: bool = False,
        socket_path: str | None = None,
        credentials: grpc.ServerCredentials | None = None,
        channel_arguments: Sequence[tuple[str, int | str]] = (),
        monitoring_path: str | None = None,
        health: bool = False,
        tensor_content: bool = False,
    ) -> None:
        self.port = port
        self._config = config
        self._host = host
        self._socket_path = socket_path
        self._credentials = credentials
        self.metrics = Metrics()
        self.manager = ModelManager(options, metrics=self.metrics)
        self._grpc = grpc.server(
            futures.ThreadPoolExecutor(max_threads),
            # Of two values the first counts. Two servers on one port would share its calls; the
            # second is to fail instead.
            options=(*channel_arguments, *MESSAGE_OPTIONS, ("grpc.so_reuseport", 0)),
        )
        prediction_service_pb2_grpc.add_PredictionServiceServicer_to_server(
            PredictionService(self.manager, self.metrics, tensor_content=tensor_content), self._grpc
        )
        model_service_pb2_grpc.add_ModelServiceServicer_to_server(
            ModelService(self.manager), self._grpc
        )
        self._health = _add_health_checks(self._grpc) if health else None
        self._rest: RestServer | None = None
        if rest_port is not None:
            application = RestApplication(
                self.manager,
                self.metrics,
                timeout=rest_timeout or None,
                cors=cors,
                monitoring_path=monitoring_path,
            )
            self._rest = RestServer(application, host, rest_port, rest_threads)

    @property
    def rest_port(self) -> int | None:
        """The port of the REST API, once started; None without one."""
        return self._rest.port if self._rest else None

    @property
    def address(self) -> str:
        """Where the gRPC API listens, such as `0.0.0.0:8500`."""
        return f"{self._host}:{self.port}"

    @property
    def endpoint(self) -> str:
        """Where a client on this machine reaches gRPC, such as `localhost:8500`."""
        return f"localhost:{self.port}"

    @property
    def rest_endpoint(self) -> str | None:
        """Where a client on this machine reaches REST, such as `localhost:8501`."""
        return f"localhost:{self.rest_port}" if self._rest else None

    def start(self, cancelled: Callable[[], bool] = lambda: False) -> bool:
        """Loads the models, then opens the ports; gives up if `cancelled()` while models load.

        Returns whether it now answers; `ServingError` if a model cannot be served or a port is
        taken.
        """
        self.manager.reload(self._config, cancelled)
        if cancelled():
            return False
        # Both ports first: where one is taken, neither API answers.
        if self._rest:
            self._rest.listen()
        self.port = self._listen(self.address, "is the port taken?")
        if self._socket_path:
            self._listen(f"unix:{self._socket_path}", "is the folder there, and writable?")
        self._grpc.start()
        if self._rest:
            self._rest.start()
        return True

    def stop(self, grace: float = DEFAULT_GRACE_SECONDS) -> None:
        """Takes no more calls, gives those under way `grace` seconds, unloads the models."""
        if self._health:
            self._health.enter_graceful_shutdown()
        grpc_stopped = self._grpc.stop(grace)
        if self._rest:
            self._rest.stop(grace)
        grpc_stopped.wait()
        self.manager.close(grace=0)

    def _listen(self, address: str, hint: str) -> int:
        try:
            if self._credentials:
                return self._grpc.add_secure_port(address, self._credentials)
            return self._grpc.add_insecure_port(address)
        except RuntimeError as error:
            raise ServingError(
                grpc.StatusCode.UNAVAILABLE, f"cannot listen on {address}; {hint}"
            ) from error

    def __enter__(self) -> "ModelServer":
        try:
            self.start()
        except BaseException:
            self.stop(grace=0)
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


def _add_health_checks(server: grpc.Server) -> health.HealthServicer:
    servicer = health.HealthServicer()
    for name in _HEALTH_NAMES:
        servicer.set(name, health_pb2.HealthCheckResponse.SERVING)
    health_pb2_grpc.add_HealthServicer_to_server(servicer, server)
    return servicer
