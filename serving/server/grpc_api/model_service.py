"""The gRPC ModelService: what is loaded, and a new config."""

import grpc
from tensorflow_serving.apis import (
    get_model_status_pb2,
    model_management_pb2,
    model_service_pb2_grpc,
)

from serving.server.errors import ServingError, invalid_argument
from serving.server.grpc_api.prediction_service import abort
from serving.server.models.model_manager import ModelManager


class ModelService(model_service_pb2_grpc.ModelServiceServicer):
    """Answers about, and reconfigures, a manager.

    Args:
        manager: the server's models.
    """

    def __init__(self, manager: ModelManager) -> None:
        self._manager = manager

    def GetModelStatus(  # noqa: N802
        self, request: get_model_status_pb2.GetModelStatusRequest, context: grpc.ServicerContext
    ) -> get_model_status_pb2.GetModelStatusResponse:
        """States of one version or of all, newest first; a label is not looked at."""
        if not request.HasField("model_spec"):
            abort(context, invalid_argument("Missing ModelSpec"))
        spec = request.model_spec
        version = spec.version.value if spec.HasField("version") else None
        response = get_model_status_pb2.GetModelStatusResponse()
        try:
            for status in self._manager.statuses(spec.name, version):
                entry = response.model_version_status.add(
                    version=status.version, state=int(status.state)
                )
                entry.status.error_code = status.error.code.value[0] if status.error else 0
                entry.status.error_message = status.error.message if status.error else ""
        except ServingError as error:
            abort(context, error)
        return response

    def HandleReloadConfigRequest(  # noqa: N802
        self, request: model_management_pb2.ReloadConfigRequest, context: grpc.ServicerContext
    ) -> model_management_pb2.ReloadConfigResponse:
        """Takes over a config; answers once its new models are available."""
        try:
            if request.config.WhichOneof("config") != "model_config_list":
                raise invalid_argument(
                    "ServerModelConfig type not supported by HandleReloadConfigRequest. Only "
                    "ModelConfigList is currently supported"
                )
            self._manager.reload(request.config, cancelled=lambda: not context.is_active())
        except ServingError as error:
            abort(context, error)
        return model_management_pb2.ReloadConfigResponse(status={"error_code": 0})
