"""Replays the requests that a model brings along, so that its first caller does not wait.

They lie in `assets.extra/tf_serving_warmup_requests`, a TFRecord file of PredictionLog messages.
"""

import logging
import time

import grpc
import tensorflow as tf
from google.protobuf.message import DecodeError
from tensorflow.python.lib.io import _pywrap_record_io
from tensorflow_serving.apis import prediction_log_pb2

from serving.server.errors import ServingError, invalid_argument
from serving.server.inference.classification import classify
from serving.server.inference.multi_inference import multi_inference
from serving.server.inference.prediction import predict
from serving.server.inference.regression import regress
from serving.server.models.servable import Servable

REQUESTS_FILE = "assets.extra/tf_serving_warmup_requests"
MAX_RECORDS = 1000

_log = logging.getLogger(__name__)


def warm_up(servable: Servable, iterations: int = 1) -> int:
    """Runs the model's warm-up requests, if it has any.

    Args:
        servable: whose requests are run.
        iterations: how often each is run; once at least.

    Returns:
        How many requests there were.

    Raises:
        ServingError: the file is damaged or too long, or a request in it fails.
    """
    path = f"{servable.path}/{REQUESTS_FILE}"
    if not tf.io.gfile.exists(path):
        return 0
    start = time.monotonic()
    try:
        count = _replay_file(servable, path, max(1, iterations))
    except tf.errors.OpError as error:
        failure = ServingError.from_tensorflow(error)
        _record(servable, start, str(failure))
        if failure.code is not grpc.StatusCode.DATA_LOSS:
            raise failure from error
        raise ServingError(
            failure.code,
            f"{failure.message}. Please verify your warmup data is in TFRecord format.",
        ) from error
    _record(servable, start, "OK")
    _log.info("%d warm-up requests of %s in %.1f s", count, path, time.monotonic() - start)
    return count


def _record(servable: Servable, start: float, status: str) -> None:
    if servable.metrics:
        servable.metrics.record_warmup(servable.path, time.monotonic() - start, status)


def _replay_file(servable: Servable, path: str, iterations: int) -> int:
    count = 0
    # The reader of the real server; that of `tf.data` adds names of operations to its errors.
    for record in _pywrap_record_io.RecordIterator(path, ""):
        count += 1
        try:
            log = prediction_log_pb2.PredictionLog.FromString(record)
        except DecodeError:
            raise invalid_argument(f"Failed to parse warmup record {count} from {path}") from None
        for _ in range(iterations):
            _replay(servable, log)
        if count > MAX_RECORDS:
            raise invalid_argument(
                f"Number of warmup records exceeds the maximum ({MAX_RECORDS}) at {path}"
            )
    return count


def _replay(servable: Servable, log: prediction_log_pb2.PredictionLog) -> None:
    match log.WhichOneof("log_type"):
        case "predict_log":
            predict(servable, log.predict_log.request)
        case "classify_log":
            classify(servable, log.classify_log.request)
        case "regress_log":
            regress(servable, log.regress_log.request)
        case "multi_inference_log":
            multi_inference(servable, log.multi_inference_log.request)
        case "session_run_log":
            number = prediction_log_pb2.PredictionLog.SESSION_RUN_LOG_FIELD_NUMBER
            raise ServingError(
                grpc.StatusCode.UNIMPLEMENTED, f"Unsupported log_type for warmup: {number}"
            )
        case _:  # of a later kind, or none at all
            pass
