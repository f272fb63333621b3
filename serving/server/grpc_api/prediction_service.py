"""The gRPC PredictionService: finds the version that a call asks for and runs inference on it."""

import functools
import time
from collections.abc import Callable
from typing import Any, NoReturn

import grpc
from tensorflow_serving.apis import (
    classification_pb2,
    get_model_metadata_pb2,
    inference_pb2,
    model_pb2,
    predict_pb2,
    prediction_service_pb2_grpc,
    regression_pb2,
)

from serving.server.errors import ServingError, invalid_argument
from serving.server.inference.classification import classify
from serving.server.inference.metadata import check_metadata_fields, metadata
from serving.server.inference.multi_inference import multi_inference
from serving.server.inference.prediction import predict
from serving.server.inference.regression import regress
from serving.server.models.model_manager import ModelManager
from serving.server.models.servable import Servable
from serving.server.monitoring.metrics import Metrics

_MAX_MESSAGE_BYTES = 1024
# A call without a deadline reports one that is centuries away.
_NO_DEADLINE_SECONDS = 10 * 365 * 86400

# Runs inference on a request within so many seconds.
_Inference = Callable[[Servable, Any, float | None], Any]


class PredictionService(prediction_service_pb2_grpc.PredictionServiceServicer):
    """Answers calls with the versions that a manager holds.

    Args:
        manager: the server's models.
        tensor_content: answer numbers in `tensor_content` instead of the typed fields.
        metrics: counts the calls; None for no counting.
    """

    def __init__(
        self,
        manager: ModelManager,
        *,
        tensor_content: bool = False,
        metrics: Metrics | None = None,
    ) -> None:
        self._manager = manager
        self._predict = functools.partial(predict, as_content=tensor_content)
        self._metrics = metrics

    def Predict(  # noqa: N802
        self, request: predict_pb2.PredictRequest, context: grpc.ServicerContext
    ) -> predict_pb2.PredictResponse:
        """Tensors in, tensors out."""
        return self._answer("Predict", self._predict, request, context)

    def Classify(  # noqa: N802
        self, request: classification_pb2.ClassificationRequest, context: grpc.ServicerContext
    ) -> classification_pb2.ClassificationResponse:
        """Classes and scores of tf.Examples."""
        return self._answer("Classify", classify, request, context)

    def Regress(  # noqa: N802
        self, request: regression_pb2.RegressionRequest, context: grpc.ServicerContext
    ) -> regression_pb2.RegressionResponse:
        """One number for each tf.Example."""
        return self._answer("Regress", regress, request, context)

    def MultiInference(  # noqa: N802
        self, request: inference_pb2.MultiInferenceRequest, context: grpc.ServicerContext
    ) -> inference_pb2.MultiInferenceResponse:
        """Several classifications and regressions of the same tf.Examples."""
        spec = request.tasks[0].model_spec if request.tasks else model_pb2.ModelSpec()
        try:
            return self._infer(multi_inference, request, spec, context)
        except ServingError as error:
            abort(context, error)

    def GetModelMetadata(  # noqa: N802
        self, request: get_model_metadata_pb2.GetModelMetadataRequest, context: grpc.ServicerContext
    ) -> get_model_metadata_pb2.GetModelMetadataResponse:
        """The signatures of a version."""
        try:
            spec = _model_spec(request)
            check_metadata_fields(request)
            with self._manager.serving(spec) as servable:
                return metadata(servable, request)
        except ServingError as error:
            abort(context, error)

    def _answer(
        self, api: str, infer: _Inference, request: Any, context: grpc.ServicerContext
    ) -> Any:
        start = time.monotonic()
        status = grpc.StatusCode.OK
        try:
            return self._infer(infer, request, _model_spec(request), context)
        except ServingError as error:
            status = error.code
            abort(context, error)
        finally:
            if self._metrics:
                self._metrics.record_request(
                    model=request.model_spec.name,
                    api=api,
                    entrypoint="GRPC",
                    seconds=time.monotonic() - start,
                    status=status.name,
                )

    def _infer(
        self,
        infer: _Inference,
        request: Any,
        spec: model_pb2.ModelSpec,
        context: grpc.ServicerContext,
    ) -> Any:
        timeout = _seconds_left(context)
        with self._manager.serving(spec) as servable:
            return infer(servable, request, timeout)


def abort(context: grpc.ServicerContext, error: ServingError) -> NoReturn:
    """Ends the call with the error's code and the first 1024 bytes of its message."""
    message = error.message
    encoded = message.encode(errors="replace")
    if len(encoded) > _MAX_MESSAGE_BYTES:
        message = encoded[:_MAX_MESSAGE_BYTES].decode(errors="ignore") + "...TRUNCATED"
    context.abort(error.code, message)
    raise AssertionError("abort returned")


def _model_spec(request: Any) -> model_pb2.ModelSpec:
    if not request.HasField("model_spec"):
        raise invalid_argument("Missing ModelSpec")
    return request.model_spec


def _seconds_left(context: grpc.ServicerContext) -> float | None:
    left = context.time_remaining()
    if left is None or left > _NO_DEADLINE_SECONDS:
        return None
    if left <= 0:
        raise ServingError(grpc.StatusCode.DEADLINE_EXCEEDED, "The deadline has passed")
    return float(left)
