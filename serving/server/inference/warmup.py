"""Replays the requests that a model brings along, so that its first caller does not wait.

They lie in `assets.extra/tf_serving_warmup_requests`, a TFRecord file of PredictionLog messages.
"""

import logging
import time
from collections.abc import Callable
from typing import Any

import grpc
import tensorflow as tf
from google.protobuf.message import DecodeError
from tensorflow_serving.apis import prediction_log_pb2

from serving.server.errors import ServingError, invalid_argument
from serving.server.inference.examples import classify, multi_inference, regress
from serving.server.inference.predict import predict
from serving.server.inference.servable import Servable

REQUESTS_FILE = "assets.extra/tf_serving_warmup_requests"
MAX_RECORDS = 1000
_METHODS: dict[str, Callable[[Servable, Any], object]] = {
    "predict_log": predict,
    "classify_log": classify,
    "regress_log": regress,
    "multi_inference_log": multi_inference,
}

_log = logging.getLogger(__name__)


def warm_up(servable: Servable, iterations: int = 1) -> int:
    """Runs the model's warm-up requests, each `iterations` times but at least once; their number.

    Raises `ServingError` if the file is damaged or too long, or a request in it fails.
    """
    path = f"{servable.path}/{REQUESTS_FILE}"
    if not tf.io.gfile.exists(path):
        return 0
    start = time.monotonic()
    status = "OK"
    try:
        count = _replay_file(servable, path, max(1, iterations))
    except ServingError as error:
        status = error.code.name
        raise
    finally:
        servable.metrics.record_warmup(servable.path, time.monotonic() - start, status)
    _log.info("%d warm-up requests of %s in %.1f s", count, path, time.monotonic() - start)
    return count


def _replay_file(servable: Servable, path: str, iterations: int) -> int:
    count = 0
    try:
        for record in tf.compat.v1.io.tf_record_iterator(path):
            count += 1
            if count > MAX_RECORDS:
                raise invalid_argument(
                    f"Number of warmup records exceeds the maximum ({MAX_RECORDS}) at {path}"
                )
            try:
                log = prediction_log_pb2.PredictionLog.FromString(record)
            except DecodeError:
                raise invalid_argument(
                    f"Failed to parse warmup record {count} from {path}"
                ) from None
            for _ in range(iterations):
                _replay(servable, log)
    except tf.errors.OpError as error:
        failure = ServingError.from_tensorflow(error)
        raise ServingError(
            failure.code,
            f"{failure.message}. Please verify your warmup data in {path} is in TFRecord format.",
        ) from error
    return count


def _replay(servable: Servable, log: prediction_log_pb2.PredictionLog) -> None:
    kind = log.WhichOneof("log_type")  # None, too, and what later versions add is passed over
    if kind == "session_run_log":
        raise ServingError(
            grpc.StatusCode.UNIMPLEMENTED, "Unsupported log_type for warmup: session_run_log"
        )
    if infer := _METHODS.get(kind):
        infer(servable, getattr(log, kind).request)
