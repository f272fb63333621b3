"""The page of metrics, as Prometheus reads it."""

import grpc
import numpy as np
import pytest
from serving_helpers import samples
from tensorflow_serving.apis import predict_pb2

from serving import tensors
from serving.server.errors import ServingError
from serving.server.inference.predict import predict
from serving.server.inference.servable import Servable
from serving.server.metrics import Metrics

SERVING = ":tensorflow:serving:"
SAVED_MODEL = ":tensorflow:cc:saved_model:"


@pytest.fixture
def metrics():
    return Metrics()


@pytest.fixture
def read(metrics):
    return lambda name: samples(metrics.exposition().decode(), name)


def answer(metrics, model="tags", api="Predict", entrypoint="GRPC", error=None):
    try:
        with metrics.request(model, api, entrypoint):
            if error:
                raise ServingError(error, "")
    except ServingError:
        pass


def test_requests_by_status_and_their_latencies(metrics, read):
    for error in (None, None, grpc.StatusCode.NOT_FOUND):
        answer(metrics, error=error)
    answer(metrics, model='a "b" \\ c', api="classify", entrypoint="REST")
    answer(metrics, api="GetModelMetadata")  # does not count
    assert read(f"{SERVING}request_count") == {
        ("tags", "OK"): 2,
        ("tags", "NOT_FOUND"): 1,
        ('a "b" \\ c', "OK"): 1,
    }
    assert read(f"{SERVING}request_latency_count") == {
        ("Predict", "GRPC", "tags"): 2,
        ("classify", "REST", 'a "b" \\ c'): 1,
    }
    buckets = read(f"{SERVING}request_latency_bucket")
    assert buckets[("Predict", "GRPC", "+Inf", "tags")] == 2
    assert ("Predict", "GRPC", "1102.0", "tags") in buckets


def test_a_caller_who_makes_up_names_does_not_fill_the_page(metrics, read):
    answer(metrics, model="x" * 300)
    for number in range(1100):
        answer(metrics, model=str(number))
    counts = read(f"{SERVING}request_count")
    assert counts[("(other)", "OK")] > 100
    assert len(counts) < 1100
    assert sum(counts.values()) == 1101


def test_a_load_and_a_call(metrics, read, tf_serving_testdata):
    path = str(tf_serving_testdata / "saved_model_half_plus_two_cpu" / "00000123")
    servable = Servable("half", 123, path, metrics=metrics)
    assert read(f"{SAVED_MODEL}load_attempt_count") == {(path, "success"): 1}
    assert read(f"{SAVED_MODEL}load_latency")[(path,)] > 0
    request = predict_pb2.PredictRequest()
    for value, failure in [(np.float32([[1]]), None), (np.array([[b"one"]], object), ServingError)]:
        request.inputs["x"].CopyFrom(tensors.to_proto(value))
        if failure:
            with pytest.raises(failure):
                predict(servable, request)
        else:
            assert predict(servable, request).outputs["y"].float_val == [2.5]
        assert read(f"{SERVING}runtime_latency_count") == {("Predict", "half", "TF1"): 1}
        assert read(":tensorflow:core:graph_runs") == {(): 1}
    servable.close()
    with pytest.raises(ServingError):
        Servable("half", 1, "/absent", metrics=metrics)
    attempts = {(path, "success"): 1, ("/absent", "fail"): 1}
    assert read(f"{SAVED_MODEL}load_attempt_count") == attempts
