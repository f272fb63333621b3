"""The gRPC services: PredictionService runs inference, ModelService reconfigures the models."""

import functools
from collections.abc import Callable
from typing import Any

import grpc
from tensorflow_serving.apis import (
    get_model_metadata_pb2,
    get_model_status_pb2,
    inference_pb2,
    model_management_pb2,
    model_pb2,
    model_service_pb2_grpc,
    prediction_service_pb2_grpc,
)

from serving.server.errors import ServingError, invalid_argument
from serving.server.inference.examples import classify, multi_inference, regress
from serving.server.inference.predict import predict
from serving.server.inference.servable import Servable
from serving.server.metrics import Metrics
from serving.server.models.model_manager import ModelManager

_SIGNATURE_DEF = "signature_def"
_MAX_MESSAGE_BYTES = 1024
# A call without a deadline reports one that is centuries away.
_NO_DEADLINE_SECONDS = 10 * 365 * 86400

# Runs inference on a request within so many seconds.
_Inference = Callable[[Servable, Any, float | None], Any]


def _aborts(method: Callable[..., Any]) -> Any:
    """A method of a service that ends its call with the status of the ServingError it raises."""

    @functools.wraps(method)
    def call(*arguments: Any) -> Any:
        try:
            return method(*arguments)
        except ServingError as error:
            *_, context = arguments
            context.abort(error.code, _truncated(error.message))

    return call


class PredictionService(prediction_service_pb2_grpc.PredictionServiceServicer):
    """Answers calls with a manager's versions; `tensor_content` is that of `ModelServer`."""

    def __init__(
        self, manager: ModelManager, metrics: Metrics, *, tensor_content: bool = False
    ) -> None:
        self._manager = manager
        self._metrics = metrics
        answer = functools.partial(predict, as_content=tensor_content)
        self.Predict = self._method("Predict", answer)
        self.Classify = self._method("Classify", classify)
        self.Regress = self._method("Regress", regress)
        self.MultiInference = self._method("MultiInference", multi_inference)

    @_aborts
    def GetModelMetadata(  # noqa: N802
        self, request: get_model_metadata_pb2.GetModelMetadataRequest, context: grpc.ServicerContext
    ) -> get_model_metadata_pb2.GetModelMetadataResponse:
        """The signatures of a version."""
        spec = _model_spec(request)
        if not request.metadata_field:
            raise invalid_argument("Metadata request must specify at least one metadata_field")
        for field in request.metadata_field:
            if field != _SIGNATURE_DEF:
                raise invalid_argument(f"Metadata field {field} is not supported")
        response = get_model_metadata_pb2.GetModelMetadataResponse()
        with self._manager.serving(spec) as servable:
            response.model_spec.name = servable.name
            response.model_spec.version.value = servable.version
            response.metadata[_SIGNATURE_DEF].Pack(
                get_model_metadata_pb2.SignatureDefMap(signature_def=servable.signatures)
            )
        return response

    def _method(self, api: str, infer: _Inference) -> Any:
        """Runs inference within a call's deadline on the version that its request names."""

        @_aborts
        def call(request: Any, context: grpc.ServicerContext) -> Any:
            asked = request
            if api == "MultiInference":
                asked = request.tasks[0] if request.tasks else inference_pb2.InferenceTask()
            with self._metrics.request(asked.model_spec.name, api, "GRPC"):
                spec = _model_spec(asked)
                timeout = _seconds_to_deadline(context)
                with self._manager.serving(spec) as servable:
                    return infer(servable, request, timeout)

        return call


class ModelService(model_service_pb2_grpc.ModelServiceServicer):
    """Answers about, and reconfigures, the models of a manager."""

    def __init__(self, manager: ModelManager) -> None:
        self._manager = manager

    @_aborts
    def GetModelStatus(  # noqa: N802
        self, request: get_model_status_pb2.GetModelStatusRequest, context: grpc.ServicerContext
    ) -> get_model_status_pb2.GetModelStatusResponse:
        """States of one version or of all, newest first."""
        return self._manager.status(_model_spec(request))

    @_aborts
    def HandleReloadConfigRequest(  # noqa: N802
        self, request: model_management_pb2.ReloadConfigRequest, context: grpc.ServicerContext
    ) -> model_management_pb2.ReloadConfigResponse:
        """Takes over a config; answers once its new models are available."""
        if request.config.WhichOneof("config") != "model_config_list":
            raise invalid_argument(
                "ServerModelConfig type not supported by HandleReloadConfigRequest. Only "
                "ModelConfigList is currently supported"
            )
        self._manager.reload(request.config, cancelled=lambda: not context.is_active())
        return model_management_pb2.ReloadConfigResponse(status={"error_code": 0})


def _truncated(message: str) -> str:
    encoded = message.encode(errors="replace")
    if len(encoded) <= _MAX_MESSAGE_BYTES:
        return message
    return encoded[:_MAX_MESSAGE_BYTES].decode(errors="ignore") + "...TRUNCATED"


def _model_spec(asked: Any) -> model_pb2.ModelSpec:
    if not asked.HasField("model_spec"):
        raise invalid_argument("Missing ModelSpec")
    return asked.model_spec


def _seconds_to_deadline(context: grpc.ServicerContext) -> float | None:
    """The time that is left to a call, in which the session must end; None without a deadline."""
    left = context.time_remaining()
    if left is None or left > _NO_DEADLINE_SECONDS:
        return None
    if left <= 0:
        raise ServingError(grpc.StatusCode.DEADLINE_EXCEEDED, "The deadline has passed")
    return float(left)
