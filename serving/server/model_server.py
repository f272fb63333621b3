"""The embedded server: a manager of models behind a gRPC port and, if asked for, a REST port."""

from collections.abc import Callable, Sequence
from types import TracebackType

import grpc
from tensorflow_serving.config import model_server_config_pb2

from serving.server.grpc_server import MESSAGE_OPTIONS, GrpcServer
from serving.server.metrics import Metrics
from serving.server.models.managed_version import ManagerOptions
from serving.server.models.model_manager import ModelManager
from serving.server.rest_api.rest_server import RestServer

__all__ = ["DEFAULT_GRACE_SECONDS", "MESSAGE_OPTIONS", "ModelServer"]

DEFAULT_GRACE_SECONDS = 30.0


class ModelServer:
    """Serves models in this process, with the APIs of `tensorflow_model_server`.

    Example:
        with ModelServer(model_config.single_model("tags", "/models/tags")) as server:
            client = HashtagClient(server.endpoint, "tags")

    Args:
        config: the models.
        port: TCP port of the gRPC API; 0 takes any free one, which `port` then names.
        host: address to listen on; all interfaces by default, as the original.
        options: how versions are looked for and loaded.
        max_threads: gRPC calls answered at the same time; 128 by default.
        rest_port: TCP port of the REST API; 0 takes any free one, None serves no REST.
        rest_timeout: seconds after which the computation of a REST request is stopped.
        rest_threads: REST requests answered at the same time; 4 per processor by default.
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
    """

    def __init__(
        self,
        config: model_server_config_pb2.ModelServerConfig,
        *,
        port: int = 0,
        host: str = "0.0.0.0",
        options: ManagerOptions | None = None,
        max_threads: int | None = None,
        rest_port: int | None = None,
        rest_timeout: float = 30.0,
        rest_threads: int | None = None,
        cors: bool = False,
        socket_path: str | None = None,
        credentials: grpc.ServerCredentials | None = None,
        channel_arguments: Sequence[tuple[str, int | str]] = (),
        monitoring_path: str | None = None,
        health: bool = False,
        tensor_content: bool = False,
    ) -> None:
        self._config = config
        self.metrics = Metrics()
        self.manager = ModelManager(options, metrics=self.metrics)
        self._grpc = GrpcServer(
            self.manager,
            host=host,
            port=port,
            socket_path=socket_path,
            credentials=credentials,
            max_threads=max_threads,
            channel_arguments=channel_arguments,
            health=health,
            tensor_content=tensor_content,
            metrics=self.metrics,
        )
        self._rest: RestServer | None = None
        if rest_port is not None:
            self._rest = RestServer(
                self.manager,
                host=host,
                port=rest_port,
                metrics=self.metrics,
                timeout=rest_timeout,
                num_threads=rest_threads,
                cors=cors,
                monitoring_path=monitoring_path,
            )

    @property
    def port(self) -> int:
        """The port of the gRPC API, once started."""
        return self._grpc.port

    @property
    def rest_port(self) -> int | None:
        """The port of the REST API, once started; None without one."""
        return self._rest.port if self._rest else None

    @property
    def address(self) -> str:
        """Where the gRPC API listens, such as `0.0.0.0:8500`."""
        return self._grpc.address

    @property
    def endpoint(self) -> str:
        """Where a client on this machine reaches gRPC, such as `localhost:8500`."""
        return f"localhost:{self.port}"

    @property
    def rest_endpoint(self) -> str | None:
        """Where a client on this machine reaches REST, such as `localhost:8501`."""
        return f"localhost:{self.rest_port}" if self._rest else None

    def start(self, cancelled: Callable[[], bool] = lambda: False) -> bool:
        """Loads the models, then opens the ports.

        Args:
            cancelled: checked while models load; once true, the start is given up.

        Returns:
            Whether the server is now answering (not so if `cancelled`).

        Raises:
            ServingError: a model cannot be served, or a port is taken.
        """
        self.manager.reload(self._config, cancelled)
        if cancelled():
            return False
        # Both ports first: where one is taken, neither API answers.
        if self._rest:
            self._rest.listen()
        self._grpc.listen()
        self._grpc.start()
        if self._rest:
            self._rest.start()
        return True

    def stop(self, grace: float = DEFAULT_GRACE_SECONDS) -> None:
        """Takes no more calls, finishes those under way, unloads the models.

        Args:
            grace: seconds after which calls still under way are cancelled.
        """
        grpc_stopped = self._grpc.stop(grace)
        if self._rest:
            self._rest.stop(grace)
        grpc_stopped.wait()
        self.manager.close(grace=0)

    def __enter__(self) -> "ModelServer":
        try:
            self.start()
        except BaseException:
            self.stop(grace=0)
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()
