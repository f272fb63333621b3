"""What a server counts and measures, under the names that tensorflow_model_server gives it."""

import contextlib
import time
from collections.abc import Iterator

import prometheus_client

from serving.server.errors import ServingError

# The APIs that the original counts and measures at all.
_APIS = frozenset({"predict", "classify", "regress"})
# A caller may ask for models of any name: so many of them are counted under their own.
_MAX_MODELS = 1000
_MAX_NAME_CHARACTERS = 256
# Limits of buckets in microseconds, up to about 20 minutes, in six digits as the original's.
_LATENCIES = [float(f"{10 * 1.8**index:g}") for index in range(33)]


class Metrics:
    """The metrics of a server. Thread-safe."""

    def __init__(self) -> None:
        self._registry = prometheus_client.CollectorRegistry()
        self._models: set[str] = set()
        self._requests = self._counter(
            "serving:request_count", "Requests by status.", "model_name", "status"
        )
        self._request_latency = self._histogram(
            "serving:request_latency", "Time to answer requests.", "model_name", "API", "entrypoint"
        )
        self._runtime_latency = self._histogram(
            "serving:runtime_latency", "Time to compute answers.", "model_name", "API", "runtime"
        )
        self._warmup_latency = self._histogram(
            "serving:model_warmup_latency", "Time of warm-ups.", "model_path", "status"
        )
        self._load_attempts = self._counter(
            "cc:saved_model:load_attempt_count", "Attempts to load a model.", "model_path", "status"
        )
        self._load_latency = self._counter(
            "cc:saved_model:load_latency",
            "Time of all attempts to load. Microseconds.",
            "model_path",
        )
        self._graph_runs = self._counter("core:graph_runs", "Runs of sessions.")
        self._graph_run_time = self._counter(
            "core:graph_run_time_usecs", "Time of all runs of sessions. Microseconds."
        )

    @contextlib.contextmanager
    def request(self, model: str, api: str, entrypoint: str) -> Iterator[None]:
        """Counts a request by the status that its block ends with; the time counts if it is OK.

        As in the original, only Predict, Classify and Regress count, which REST (`entrypoint`,
        otherwise `GRPC`) has in lower case.
        """
        start = time.monotonic()
        status = "OK"
        try:
            yield
        except ServingError as error:
            status = error.code.name
            raise
        except BaseException:
            status = "UNKNOWN"
            raise
        finally:
            if api.lower() in _APIS:
                model = self._model_label(model)
                self._requests.labels(model, status).inc()
                if status == "OK":
                    latency = self._request_latency.labels(model, api, entrypoint)
                    latency.observe(_micros(time.monotonic() - start))

    def record_runtime(self, model: str, api: str, seconds: float) -> None:
        """Measures the computation of a request."""
        self._runtime_latency.labels(model, api, "TF1").observe(_micros(seconds))

    def record_graph_run(self, seconds: float) -> None:
        """Measures a run of a session."""
        self._graph_runs.inc()
        self._graph_run_time.inc(_micros(seconds))

    def record_load(self, path: str, seconds: float, *, loaded: bool) -> None:
        """Counts an attempt to load a SavedModel."""
        self._load_attempts.labels(path, "success" if loaded else "fail").inc()
        self._load_latency.labels(path).inc(_micros(seconds))

    def record_warmup(self, path: str, seconds: float, status: str) -> None:
        """Measures a warm-up; `status` is the name of a status code, such as `OK`."""
        self._warmup_latency.labels(path, status).observe(_micros(seconds))

    def exposition(self) -> bytes:
        """All of it in the text format of Prometheus."""
        return prometheus_client.generate_latest(self)

    def collect(self) -> Iterator[prometheus_client.Metric]:
        """The metrics under TensorFlow's names: prometheus_client ends a counter's in `_total`."""
        for family in self._registry.collect():
            kind = "unknown" if family.type == "counter" else family.type
            renamed = prometheus_client.Metric(family.name, family.documentation, kind)
            renamed.samples = [
                sample._replace(name=sample.name.removesuffix("_total"))
                for sample in family.samples
                if not sample.name.endswith("_created")
            ]
            yield renamed

    def _model_label(self, name: str) -> str:
        if len(self._models) < _MAX_MODELS:
            self._models.add(name[:_MAX_NAME_CHARACTERS])
        return name if name in self._models else "(other)"

    def _counter(self, name: str, help_text: str, *labels: str) -> prometheus_client.Counter:
        return prometheus_client.Counter(
            f":tensorflow:{name}", help_text, labels, registry=self._registry
        )

    def _histogram(self, name: str, help_text: str, *labels: str) -> prometheus_client.Histogram:
        return prometheus_client.Histogram(
            f":tensorflow:{name}",
            f"{help_text} Microseconds.",
            labels,
            buckets=_LATENCIES,
            registry=self._registry,
        )


def _micros(seconds: float) -> float:
    return max(0.0, seconds * 1e6)
