"""The exposition, as the original prints it and as Prometheus reads it."""

import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from prometheus_client.parser import text_string_to_metric_families
from tensorflow_serving.apis import predict_pb2

from serving import tensors
from serving.server.errors import ServingError
from serving.server.inference.prediction import predict
from serving.server.models.servable import Servable
from serving.server.monitoring.instruments import Counter, Histogram, exponential
from serving.server.monitoring.metrics import Metrics


def samples(metrics, name):
    """Values by labels of the samples of this name, as Prometheus reads them."""
    text = metrics.exposition().decode()
    # The parser ends the names of all counters in `_total`.
    return {
        tuple(sample.labels.items()): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if sample.name.removesuffix("_total") == name.removesuffix("_total")
    }


def request(metrics, **changes):
    metrics.record_request(
        **{
            "model": "tags",
            "api": "Predict",
            "entrypoint": "GRPC",
            "seconds": 0.001,
            "status": "OK",
        }
        | changes
    )


class TestInstruments:
    """The pages that the original's tests of its exporter expect."""

    def test_a_counter(self):
        counter = Counter("/test/path/total", "name")
        counter.add("abc", amount=2)
        assert counter.lines() == [
            "# TYPE :test:path:total counter",
            ':test:path:total{name="abc"} 2',
        ]

    def test_a_histogram(self):
        histogram = Histogram("/test/path/histogram", "status", limits=exponential(1, 2, 10))
        for value in (2, 20, 200):
            histogram.record("good", value=value)
        assert histogram.lines() == [
            "# TYPE :test:path:histogram histogram",
            ':test:path:histogram_bucket{status="good",le="1"} 0',
            ':test:path:histogram_bucket{status="good",le="2"} 0',
            ':test:path:histogram_bucket{status="good",le="4"} 1',
            ':test:path:histogram_bucket{status="good",le="8"} 1',
            ':test:path:histogram_bucket{status="good",le="16"} 1',
            ':test:path:histogram_bucket{status="good",le="32"} 2',
            ':test:path:histogram_bucket{status="good",le="64"} 2',
            ':test:path:histogram_bucket{status="good",le="128"} 2',
            ':test:path:histogram_bucket{status="good",le="256"} 3',
            ':test:path:histogram_bucket{status="good",le="512"} 3',
            ':test:path:histogram_bucket{status="good",le="+Inf"} 3',
            ':test:path:histogram_sum{status="good"} 222',
            ':test:path:histogram_count{status="good"} 3',
        ]

    def test_without_labels(self):
        counter = Counter("/runs")
        assert counter.lines() == ["# TYPE :runs counter"]
        counter.add()
        assert counter.lines()[1:] == [":runs{} 1"]

    def test_labels_are_escaped_and_sorted(self):
        counter = Counter("/test/path/total", "name")
        for name in ('"abc\\"', "a\nb"):
            counter.add(name)
        assert counter.lines()[1:] == [
            r':test:path:total{name="\"abc\\\""} 1',
            r':test:path:total{name="a\nb"} 1',
        ]

    def test_limits_have_six_digits(self):
        histogram = Histogram("/latency", limits=exponential(10, 1.8, 33))
        histogram.record(value=7_680_720)
        lines = histogram.lines()
        limits = [line.partition('le="')[2].partition('"')[0] for line in lines[1:35]]
        assert limits[:6] == ["10", "18", "32.4", "58.32", "104.976", "188.957"]
        assert limits[8] == "1102"
        assert limits[20:22] == ["1.27482e+06", "2.29468e+06"]
        assert limits[32:] == ["1.47476e+09", "+Inf"]
        assert lines[-2] == ":latency_sum{} 7.68072e+06"


class TestRequests:
    def test_counts_by_status(self):
        metrics = Metrics()
        for status in ("OK", "OK", "NOT_FOUND"):
            request(metrics, status=status)
        request(metrics, model='a "b" \\ c', entrypoint="REST", api="classify")
        assert samples(metrics, ":tensorflow:serving:request_count") == {
            (("model_name", "tags"), ("status", "OK")): 2,
            (("model_name", "tags"), ("status", "NOT_FOUND")): 1,
            (("model_name", 'a "b" \\ c'), ("status", "OK")): 1,
        }

    def test_latencies_of_good_answers(self):
        metrics = Metrics()
        request(metrics, seconds=0.001)
        request(metrics, seconds=0.003)
        request(metrics, seconds=7, status="INTERNAL")
        request(metrics, entrypoint="REST", api="Regress", seconds=0.25)
        name = ":tensorflow:serving:request_latency"
        by_grpc = (("model_name", "tags"), ("API", "Predict"), ("entrypoint", "GRPC"))
        by_rest = (("model_name", "tags"), ("API", "regress"), ("entrypoint", "REST"))
        assert samples(metrics, f"{name}_count") == {by_grpc: 2, by_rest: 1}
        assert samples(metrics, f"{name}_sum") == {by_grpc: 4000, by_rest: 250_000}
        buckets = samples(metrics, f"{name}_bucket")
        assert buckets[(*by_grpc, ("le", "612.22"))] == 0
        assert buckets[(*by_grpc, ("le", "1102"))] == 1
        assert buckets[(*by_grpc, ("le", "3570.47"))] == 2

    @pytest.mark.parametrize("api", ["MultiInference", "GetModelMetadata", ""])
    def test_other_apis_do_not_count(self, api):
        metrics = Metrics()
        request(metrics, api=api)
        assert metrics.exposition() == Metrics().exposition()

    def test_counts_of_many_threads(self):
        metrics = Metrics()
        start = threading.Barrier(8)

        def record(_):
            start.wait()
            for _ in range(500):
                request(metrics)
                metrics.record_examples("tags", 3)

        def read():
            while not finished.is_set():
                list(text_string_to_metric_families(metrics.exposition().decode()))

        finished = threading.Event()
        with ThreadPoolExecutor(9) as threads:
            reader = threads.submit(read)
            list(threads.map(record, range(8)))
            finished.set()
            reader.result()
        name = ":tensorflow:serving:"
        assert list(samples(metrics, f"{name}request_count").values()) == [4000]
        assert list(samples(metrics, f"{name}request_latency_count").values()) == [4000]
        assert list(samples(metrics, f"{name}request_example_count_total").values()) == [12_000]
        assert list(samples(metrics, f"{name}request_example_counts_sum").values()) == [12_000]


def test_a_page_without_values_has_a_line_for_each_metric():
    lines = Metrics().exposition().decode().splitlines()
    assert all(line.startswith("# TYPE :tensorflow:") for line in lines)
    assert lines == sorted(lines)
    assert "# TYPE :tensorflow:serving:request_count counter" in lines
    assert "# TYPE :tensorflow:serving:request_latency histogram" in lines
    assert "# TYPE :tensorflow:cc:saved_model:load_attempt_count counter" in lines


class TestServable:
    """What a model's load and its calls leave on the page."""

    @pytest.fixture
    def half_plus_two(self, tf_serving_testdata):
        return str(tf_serving_testdata / "saved_model_half_plus_two_cpu" / "00000123")

    def test_a_load_and_a_call(self, half_plus_two):
        metrics = Metrics()
        servable = Servable("half", 123, half_plus_two, metrics=metrics)
        path = ("model_path", half_plus_two)
        saved_model = ":tensorflow:cc:saved_model:"
        assert samples(metrics, f"{saved_model}load_attempt_count") == {
            (path, ("status", "success")): 1
        }
        (seconds,) = samples(metrics, f"{saved_model}load_latency").values()
        stages = samples(metrics, f"{saved_model}load_latency_by_stage_sum")
        assert set(stages) == {
            (path, ("stage", "restore_graph")),
            (path, ("stage", "init_graph")),
        }
        assert 0 < sum(stages.values()) <= seconds
        assert samples(metrics, ":tensorflow:core:graph_runs") == {}

        request = predict_pb2.PredictRequest()
        request.inputs["x"].CopyFrom(tensors.to_proto(np.float32([[1]])))
        assert predict(servable, request).outputs["y"].float_val == [2.5]
        runtime = (("model_name", "half"), ("API", "Predict"), ("runtime", "TF1"))
        assert samples(metrics, ":tensorflow:serving:runtime_latency_count") == {runtime: 1}
        assert samples(metrics, ":tensorflow:core:graph_runs") == {(): 1}

        request.inputs["x"].CopyFrom(tensors.to_proto(np.array([[b"one"]], object)))
        with pytest.raises(ServingError):
            predict(servable, request)
        assert samples(metrics, ":tensorflow:serving:runtime_latency_count") == {runtime: 1}
        assert samples(metrics, ":tensorflow:core:graph_runs") == {(): 1}
        servable.close()

    def test_a_load_that_fails(self, tmp_path):
        metrics = Metrics()
        (tmp_path / "saved_model.pb").write_bytes(b"not a model")
        with pytest.raises(ServingError):
            Servable("half", 1, str(tmp_path), metrics=metrics)
        assert samples(metrics, ":tensorflow:cc:saved_model:load_attempt_count") == {
            (("model_path", str(tmp_path)), ("status", "fail")): 1
        }
        assert samples(metrics, ":tensorflow:cc:saved_model:load_latency_by_stage_count") == {}
