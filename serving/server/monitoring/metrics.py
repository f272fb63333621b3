"""What a server counts and measures, under the names that tensorflow_model_server gives it."""

from serving.server.monitoring.instruments import Counter, Histogram, Instrument, exponential

# Those that the original counts and measures at all.
_APIS = frozenset({"predict", "classify", "regress"})
_LATENCIES = exponential(10, 1.8, 33)  # microseconds, up to about 20 minutes
_SIZES = exponential(1, 2, 14)


class Metrics:
    """The metrics of a server. Thread-safe."""

    def __init__(self) -> None:
        serving, core, saved_model = (
            "/tensorflow/serving",
            "/tensorflow/core",
            "/tensorflow/cc/saved_model",
        )
        self._requests = Counter(f"{serving}/request_count", "model_name", "status")
        self._request_latency = Histogram(
            f"{serving}/request_latency", "model_name", "API", "entrypoint", limits=_LATENCIES
        )
        self._runtime_latency = Histogram(
            f"{serving}/runtime_latency", "model_name", "API", "runtime", limits=_LATENCIES
        )
        self._examples = Histogram(
            f"{serving}/request_example_counts", "model", limits=exponential(1, 2, 15)
        )
        self._example_total = Counter(f"{serving}/request_example_count_total", "model")
        self._warmup_latency = Histogram(
            f"{serving}/model_warmup_latency", "model_path", "status", limits=_LATENCIES
        )
        self._load_attempts = Counter(f"{saved_model}/load_attempt_count", "model_path", "status")
        self._load_latency = Counter(f"{saved_model}/load_latency", "model_path")
        self._load_stages = Histogram(
            f"{saved_model}/load_latency_by_stage", "model_path", "stage", limits=_LATENCIES
        )
        self._graph_runs = Counter(f"{core}/graph_runs")
        self._graph_run_time = Counter(f"{core}/graph_run_time_usecs")
        self._graph_run_times = Histogram(
            f"{core}/graph_run_time_usecs_histogram", limits=exponential(1000, 2, 20)
        )
        batching = f"{serving}/batching_session"
        self._queuing_latency = Histogram(
            f"{batching}/queuing_latency", "thread_pool_name", limits=exponential(100, 1.2, 52)
        )
        self._batches = Counter(f"{batching}/wrapped_run_count")
        self._input_sizes = Histogram(f"{batching}/input_batch_size", limits=_SIZES)
        self._batch_sizes = Histogram(f"{batching}/processed_batch_size", limits=_SIZES)
        self._paddings = Histogram(
            f"{batching}/padding_size", "execution_batch_size", limits=_SIZES
        )
        instruments = [value for value in vars(self).values() if isinstance(value, Instrument)]
        self._instruments = sorted(instruments, key=lambda instrument: instrument.name)

    def record_request(
        self, *, model: str, api: str, entrypoint: str, seconds: float, status: str
    ) -> None:
        """Counts an answered request; the time counts if it was answered well.

        As in the original, only Predict, Classify and Regress count, and REST has them in lower
        case.

        Args:
            model: its name, as the request has it.
            api: `Predict`, `Classify` or `Regress`.
            entrypoint: `GRPC` or `REST`.
            seconds: from the request's arrival to the answer.
            status: name of the status code, such as `OK` or `NOT_FOUND`.
        """
        if api.lower() not in _APIS:
            return
        self._requests.add(model, status)
        if status == "OK":
            label = api.lower() if entrypoint == "REST" else api
            self._request_latency.record(model, label, entrypoint, value=_micros(seconds))

    def record_runtime(self, model: str, api: str, seconds: float) -> None:
        """Measures a request's computation, the wait for its batch included."""
        self._runtime_latency.record(model, api, "TF1", value=_micros(seconds))

    def record_examples(self, model: str, count: int) -> None:
        """Counts the tf.Examples of a MultiInference request."""
        self._examples.record(model, value=count)
        self._example_total.add(model, amount=count)

    def record_graph_run(self, seconds: float) -> None:
        """Measures a run of a session."""
        self._graph_runs.add()
        self._graph_run_time.add(amount=_micros(seconds))
        self._graph_run_times.record(value=_micros(seconds))

    def record_load(self, path: str, seconds: float, *, loaded: bool) -> None:
        """Counts an attempt to load a SavedModel."""
        self._load_attempts.add(path, "success" if loaded else "fail")
        self._load_latency.add(path, amount=_micros(seconds))

    def record_load_stage(self, path: str, stage: str, seconds: float) -> None:
        """Measures `restore_graph` or `init_graph`."""
        self._load_stages.record(path, stage, value=_micros(seconds))

    def record_warmup(self, path: str, seconds: float, status: str) -> None:
        """Measures a warm-up that came to the end of its file; `status` is `OK` or an error."""
        self._warmup_latency.record(path, status, value=_micros(seconds))

    def record_input_size(self, size: int) -> None:
        """Counts the rows of an input tensor that joins a batch."""
        self._input_sizes.record(value=size)

    def record_queuing(self, seconds: float) -> None:
        """Measures how long a call waited for its batch to start."""
        self._queuing_latency.record("", value=_micros(seconds))

    def record_batch(self, size: int, padding: int) -> None:
        """Counts the rows of a batch, and those of them that pad it."""
        self._batch_sizes.record(value=size)
        self._paddings.record(str(size), value=padding)

    def record_batch_run(self) -> None:
        """Counts a batch that was run."""
        self._batches.add()

    def exposition(self) -> bytes:
        """All of it in the text format of Prometheus, as the original prints it."""
        lines = [line for instrument in self._instruments for line in instrument.lines()]
        return ("\n".join(lines) + "\n").encode(errors="replace")


def _micros(seconds: float) -> int:
    return max(0, int(seconds * 1e6))
