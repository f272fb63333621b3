"""The gRPC server: ports, credentials and threads around the services."""

import threading
from collections.abc import Sequence
from concurrent import futures

import grpc
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from tensorflow_serving.apis import model_service_pb2_grpc, prediction_service_pb2_grpc

from serving.server.errors import ServingError
from serving.server.grpc_services import ModelService, PredictionService
from serving.server.metrics import Metrics
from serving.server.models.model_manager import ModelManager

# Photos and batches of them are larger than gRPC's default of 4 MiB.
MESSAGE_OPTIONS = (
    ("grpc.max_receive_message_length", -1),
    ("grpc.max_send_message_length", -1),
)
# Threads wait for the session most of the time, and a graph that puts calls together needs many
# that do: the original's 4 per processor would make small batches.
MAX_THREADS = 128
# The names under which the original reports its health; the server as a whole has none.
_HEALTH_NAMES = ("", "ModelService", "PredictionService")


class GrpcServer:
    """Serves PredictionService and ModelService for a manager's models.

    Args:
        manager: the models.
        host: address to listen on; all interfaces by default, as the original.
        port: TCP port; 0 takes any free one, which `port` then names.
        socket_path: of a UNIX socket to listen on as well.
        credentials: for TLS; None for plain text.
        max_threads: calls answered at the same time; `MAX_THREADS` by default.
        channel_arguments: further names and values of gRPC's own settings.
        health: answer the standard health checks too.
        tensor_content: answer numbers in `tensor_content` instead of the typed fields.
        metrics: counts the calls; None for no counting.

    Attributes:
        port: the port, once started.
    """

    def __init__(
        self,
        manager: ModelManager,
        *,
        host: str = "0.0.0.0",
        port: int = 0,
        socket_path: str | None = None,
        credentials: grpc.ServerCredentials | None = None,
        max_threads: int | None = None,
        channel_arguments: Sequence[tuple[str, int | str]] = (),
        health: bool = False,
        tensor_content: bool = False,
        metrics: Metrics | None = None,
    ) -> None:
        self.port = port
        self._host = host
        self._socket_path = socket_path
        self._credentials = credentials
        self._health = _health_servicer() if health else None
        self._server = grpc.server(
            futures.ThreadPoolExecutor(max_threads or MAX_THREADS),
            # Of two values the first counts. Two servers on one port would share its calls; the
            # second is to fail instead.
            options=(*channel_arguments, *MESSAGE_OPTIONS, ("grpc.so_reuseport", 0)),
        )
        prediction_service_pb2_grpc.add_PredictionServiceServicer_to_server(
            PredictionService(manager, tensor_content=tensor_content, metrics=metrics),
            self._server,
        )
        model_service_pb2_grpc.add_ModelServiceServicer_to_server(
            ModelService(manager), self._server
        )
        if self._health:
            health_pb2_grpc.add_HealthServicer_to_server(self._health, self._server)

    @property
    def address(self) -> str:
        """Where the server listens, such as `0.0.0.0:8500`."""
        return f"{self._host}:{self.port}"

    def listen(self) -> None:
        """Opens the port and the socket; calls wait until `start`.

        Raises:
            ServingError: `UNAVAILABLE` naming the address if it is taken.
        """
        self.port = self._listen(self.address, "is the port taken?")
        if self._socket_path:
            self._listen(f"unix:{self._socket_path}", "is the folder there, and writable?")

    def start(self) -> None:
        """Answers calls from now on."""
        self._server.start()

    def stop(self, grace: float) -> threading.Event:
        """Takes no more calls; those under way have `grace` seconds.

        Returns:
            What is set when the last call has ended.
        """
        if self._health:
            self._health.enter_graceful_shutdown()
        return self._server.stop(grace)

    def _listen(self, address: str, hint: str) -> int:
        try:
            if self._credentials:
                return self._server.add_secure_port(address, self._credentials)
            return self._server.add_insecure_port(address)
        except RuntimeError as error:
            raise ServingError(
                grpc.StatusCode.UNAVAILABLE, f"cannot listen on {address}; {hint}"
            ) from error


def _health_servicer() -> health.HealthServicer:
    servicer = health.HealthServicer()
    for name in _HEALTH_NAMES:
        servicer.set(name, health_pb2.HealthCheckResponse.SERVING)
    return servicer
