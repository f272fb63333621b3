"""What one server has of a model: the states of its versions, and where its labels point."""

import dataclasses
from types import TracebackType
from typing import Any, NamedTuple, Self

import grpc
from tensorflow_serving.apis import (
    get_model_metadata_pb2,
    get_model_status_pb2,
    model_management_pb2,
    model_service_pb2_grpc,
    prediction_service_pb2_grpc,
)

from serving.client import grpc_wire
from serving.client.answers import StatusCode
from serving.client.retries import MAX_ATTEMPTS
from serving.client.served_model import ServedModel
from serving.client.tls import Tls

_STATES = get_model_status_pb2.ModelVersionStatus.State


class VersionState(NamedTuple):
    """A version's state by its name, such as AVAILABLE, and its error in a line, or ""."""

    state: str
    error: str


class WatchedServer:
    """Asks the gRPC API of a server about a model. Use it as a context manager.

    Every method raises `RequestError`, in one line, for a call that fails otherwise than said.

    Args:
        server: its `host:port`; of several servers behind one name, any would answer.
        model: the model's name.
        timeout: seconds that a question may take.
        tls: encrypts the connection.
    """

    def __init__(
        self, server: str, model: str, *, timeout: float = 10.0, tls: Tls | None = None
    ) -> None:
        self._served = ServedModel(
            server=server,
            model=model,
            version=None,
            version_label=None,
            timeout=timeout,
            attempts=MAX_ATTEMPTS,
            tls=tls,
        )
        self._channel = grpc_wire.channel(self._served)
        self._models = model_service_pb2_grpc.ModelServiceStub(self._channel)
        self._predictions = prediction_service_pb2_grpc.PredictionServiceStub(self._channel)

    @property
    def address(self) -> str:
        """Where it is, `host:port`."""
        return self._served.server

    def states(self) -> dict[int, VersionState]:
        """The versions that it knows, those that failed or were unloaded included."""
        request = get_model_status_pb2.GetModelStatusRequest(model_spec=self._spec())
        try:
            response = self._models.GetModelStatus(request, timeout=self._served.timeout)
        except grpc.RpcError as error:
            if error.code() is grpc.StatusCode.NOT_FOUND:
                return {}
            raise grpc_wire.explained(self._served, error) from error
        return {
            entry.version: VersionState(
                _STATES.Name(entry.state),
                " ".join(entry.status.error_message.split()) if entry.status.error_code else "",
            )
            for entry in response.model_version_status
        }

    def version_of(self, label: str) -> int | None:
        """The version that a label points to; None if it does not, or if it cannot answer."""
        # The status takes no notice of labels.
        request = get_model_metadata_pb2.GetModelMetadataRequest(
            model_spec=self._spec(label), metadata_field=["signature_def"]
        )
        try:
            response = self._predictions.GetModelMetadata(request, timeout=self._served.timeout)
        except grpc.RpcError as error:
            explained = grpc_wire.explained(self._served, error)
            if explained.code in (StatusCode.INVALID_ARGUMENT, StatusCode.NOT_FOUND):
                return None
            raise explained from error
        return int(response.model_spec.version.value)

    def push(self, config: Any, timeout: float) -> None:
        """Makes it take over a ModelServerConfig now.

        Args:
            config: the ModelServerConfig.
            timeout: seconds; a config that adds a model is answered once the model is loaded.
        """
        request = model_management_pb2.ReloadConfigRequest(config=config)
        try:
            self._models.HandleReloadConfigRequest(request, timeout=timeout)
        except grpc.RpcError as error:
            served = dataclasses.replace(self._served, timeout=timeout)
            raise grpc_wire.explained(served, error) from error

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._channel.close()

    def _spec(self, label: str | None = None) -> Any:
        return grpc_wire.model_spec(self._served.model, None, label)
