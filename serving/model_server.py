"""The embedded server: a manager of models behind a gRPC port."""

import os
from collections.abc import Callable
from concurrent import futures
from types import TracebackType

import grpc
from tensorflow_serving.apis import model_service_pb2_grpc, prediction_service_pb2_grpc
from tensorflow_serving.config import model_server_config_pb2

from serving.errors import ServingError
from serving.grpc_api.model_service import ModelService
from serving.grpc_api.prediction_service import PredictionService
from serving.models.managed_version import ManagerOptions
from serving.models.model_manager import ModelManager

DEFAULT_GRACE_SECONDS = 30.0
# Photos and batches of them are larger than gRPC's default of 4 MiB.
MESSAGE_OPTIONS = (
    ("grpc.max_receive_message_length", -1),
    ("grpc.max_send_message_length", -1),
)


class ModelServer:
    """Serves models in this process, with the gRPC API of `tensorflow_model_server`.

    Example:
        with ModelServer(model_config.single_model("tags", "/models/tags")) as server:
            client = HashtagClient(server.endpoint, "tags")

    Args:
        config: the models.
        port: TCP port; 0 takes any free one, which `port` then names.
        host: address to listen on; all interfaces by default, as the original.
        options: how versions are looked for and loaded.
        max_threads: calls answered at the same time; 4 per processor by default.

    Attributes:
        manager: the models and their states.
        port: the port, once started.
    """

    def __init__(
        self,
        config: model_server_config_pb2.ModelServerConfig,
        *,
        port: int = 0,
        host: str = "0.0.0.0",
        options: ManagerOptions | None = None,
        max_threads: int | None = None,
    ) -> None:
        self.port = port
        self._config = config
        self._host = host
        self.manager = ModelManager(options)
        self._server = grpc.server(
            futures.ThreadPoolExecutor(max_threads or 4 * (os.cpu_count() or 1)),
            # Two servers on one port would share its calls; the second is to fail instead.
            options=(*MESSAGE_OPTIONS, ("grpc.so_reuseport", 0)),
        )
        prediction_service_pb2_grpc.add_PredictionServiceServicer_to_server(
            PredictionService(self.manager), self._server
        )
        model_service_pb2_grpc.add_ModelServiceServicer_to_server(
            ModelService(self.manager), self._server
        )

    @property
    def address(self) -> str:
        """Where the server listens, such as `0.0.0.0:8500`."""
        return f"{self._host}:{self.port}"

    @property
    def endpoint(self) -> str:
        """Where a client on this machine reaches it, such as `localhost:8500`."""
        return f"localhost:{self.port}"

    def start(self, cancelled: Callable[[], bool] = lambda: False) -> bool:
        """Loads the models, then opens the port.

        Args:
            cancelled: looked at while models load; once true, the start is given up.

        Returns:
            Whether the server is now answering (not so if `cancelled`).

        Raises:
            ServingError: a model cannot be served, or the port is taken.
        """
        self.manager.reload(self._config, cancelled)
        if cancelled():
            return False
        try:
            self.port = self._server.add_insecure_port(self.address)
        except RuntimeError as error:
            raise ServingError(
                grpc.StatusCode.UNAVAILABLE, f"cannot listen on {self.address}; is the port taken?"
            ) from error
        self._server.start()
        return True

    def stop(self, grace: float = DEFAULT_GRACE_SECONDS) -> None:
        """Takes no more calls, finishes those under way, unloads the models.

        Args:
            grace: seconds after which calls still under way are cancelled.
        """
        self._server.stop(grace).wait()
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
