"""The gRPC PredictionService: finds the version that a call asks for and runs inference on it."""

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

from serving.errors import ServingError, invalid_argument
from serving.inference.classification import classify
from serving.inference.metadata import check_metadata_fields, metadata
from serving.inference.multi_inference import multi_inference
from serving.inference.prediction import predict
from serving.inference.regression import regress
from serving.models.model_manager import ModelManager
from serving.models.servable import Servable

_MAX_MESSAGE_CHARACTERS = 1024
# A call without a deadline reports one that is centuries away.
_NO_DEADLINE_SECONDS = 10 * 365 * 86400


class PredictionService(prediction_service_pb2_grpc.PredictionServiceServicer):
    """Answers calls with the versions that a manager holds.

    Args:
        manager: the server's models.
    """

    def __init__(self, manager: ModelManager) -> None:
        self._manager = manager

    def Predict(  # noqa: N802
        self, request: predict_pb2.PredictRequest, context: grpc.ServicerContext
    ) -> predict_pb2.PredictResponse:
        """Tensors in, tensors out."""
        return self._infer(predict, request, _model_spec(request, context), context)

    def Classify(  # noqa: N802
        self, request: classification_pb2.ClassificationRequest, context: grpc.ServicerContext
    ) -> classification_pb2.ClassificationResponse:
        """Classes and scores of tf.Examples."""
        return self._infer(classify, request, _model_spec(request, context), context)

    def Regress(  # noqa: N802
        self, request: regression_pb2.RegressionRequest, context: grpc.ServicerContext
    ) -> regression_pb2.RegressionResponse:
        """One number for each tf.Example."""
        return self._infer(regress, request, _model_spec(request, context), context)

    def MultiInference(  # noqa: N802
        self, request: inference_pb2.MultiInferenceRequest, context: grpc.ServicerContext
    ) -> inference_pb2.MultiInferenceResponse:
        """Several classifications and regressions of the same tf.Examples."""
        spec = request.tasks[0].model_spec if request.tasks else model_pb2.ModelSpec()
        return self._infer(multi_inference, request, spec, context)

    def GetModelMetadata(  # noqa: N802
        self, request: get_model_metadata_pb2.GetModelMetadataRequest, context: grpc.ServicerContext
    ) -> get_model_metadata_pb2.GetModelMetadataResponse:
        """The signatures of a version."""
        spec = _model_spec(request, context)
        try:
            check_metadata_fields(request)
            with self._manager.serving(spec) as servable:
                return metadata(servable, request)
        except ServingError as error:
            abort(context, error)

    def _infer(
        self,
        run: Callable[[Servable, Any, float | None], Any],
        request: Any,
        spec: model_pb2.ModelSpec,
        context: grpc.ServicerContext,
    ) -> Any:
        try:
            timeout = _seconds_left(context)
            with self._manager.serving(spec) as servable:
                return run(servable, request, timeout)
        except ServingError as error:
            abort(context, error)


def abort(context: grpc.ServicerContext, error: ServingError) -> NoReturn:
    """Ends the call with the error's code, and its message in at most 1024 characters."""
    message = error.message
    if len(message) > _MAX_MESSAGE_CHARACTERS:
        message = message[:_MAX_MESSAGE_CHARACTERS] + "...TRUNCATED"
    context.abort(error.code, message)
    raise AssertionError("abort returned")


def _model_spec(request: Any, context: grpc.ServicerContext) -> model_pb2.ModelSpec:
    if not request.HasField("model_spec"):
        abort(context, invalid_argument("Missing ModelSpec"))
    return request.model_spec


def _seconds_left(context: grpc.ServicerContext) -> float | None:
    left = context.time_remaining()
    if left is None or left > _NO_DEADLINE_SECONDS:
        return None
    if left <= 0:
        raise ServingError(grpc.StatusCode.DEADLINE_EXCEEDED, "The deadline has passed")
    return float(left)
