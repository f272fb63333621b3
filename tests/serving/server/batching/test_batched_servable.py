"""Batches in front of real sessions."""

import gc
import os
import shutil
import threading
import weakref
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import grpc
import numpy as np
import pytest
import tensorflow as tf
from batching_helpers import FOREVER
from serving_helpers import QUICK, VOCABULARY, WAIT
from tensorflow_serving.apis import classification_pb2, model_pb2, regression_pb2

from serving.server.batching.batch_scheduler import BatchScheduler
from serving.server.batching.parameters import BatchingParameters
from serving.server.errors import ServingError
from serving.server.inference.classification import classify
from serving.server.inference.regression import regress
from serving.server.models import model_config
from serving.server.models.model_manager import ModelManager
from serving.server.models.servable import Servable
from serving.server.models.version_policy import State
from serving.server.monitoring.metrics import Metrics

ENDLESS = 2**62  # steps of a loop that ends only if it is stopped


class Rows(tf.Module):
    """Signatures over rows, each with its own way to fail."""

    def __init__(self, size=3):
        super().__init__()
        self.table = tf.Variable(tf.range(size, dtype=tf.float32) * 10)

    @tf.function(input_signature=[tf.TensorSpec([None], tf.int64, "x")])
    def gather(self, x):
        return {"y": tf.gather(self.table, x)}

    @tf.function(input_signature=[tf.TensorSpec([None, 2], tf.float32, "x")])
    def double(self, x):
        return {"y": tf.matmul(x, tf.constant([[2.0, 0.0], [0.0, 2.0]]))}

    @tf.function(input_signature=[tf.TensorSpec([None], tf.float32, "x")])
    def total(self, x):
        return {"y": tf.reduce_sum(x)}

    @tf.function(input_signature=[tf.TensorSpec([None], tf.int64, "x")])
    def count(self, x):
        """Counts to the largest of the rows."""
        steps = tf.reduce_max(x)
        zero = tf.constant(0, tf.int64)
        counted = tf.while_loop(lambda i: i < steps, lambda i: (i + 1,), [zero])[0]
        return {"y": tf.fill(tf.shape(x), counted)}


def save_rows(path, **arguments):
    module = Rows(**arguments)
    signatures = {name: getattr(module, name) for name in ("gather", "double", "total", "count")}
    tf.saved_model.save(module, str(path), signatures=signatures)
    return str(path)


@pytest.fixture(scope="module")
def rows_model(tmp_path_factory):
    return save_rows(tmp_path_factory.mktemp("rows") / "1")


class Watched(Metrics):
    """Tells when a batch is about to run."""

    def __init__(self):
        super().__init__()
        self.batches = threading.Semaphore(0)

    def record_batch(self, size, padding):
        super().record_batch(size, padding)
        self.batches.release()

    def count(self, name):
        """A count that has no labels; zero before the first."""
        page = self.exposition().decode().splitlines()
        return sum(int(line.split()[1]) for line in page if line.startswith(f"{name}{{}} "))


@pytest.fixture
def threads():
    with ThreadPoolExecutor(16) as pool:
        yield pool


@pytest.fixture
def serve():
    """Servables with batches; `metrics` and `scheduler` of the last one can be asked."""
    opened = []

    def make(path, **parameters):
        settings = {"num_batch_threads": 1, "batch_timeout_micros": FOREVER} | parameters
        make.metrics = Watched()
        make.scheduler = BatchScheduler(BatchingParameters(**settings), make.metrics)
        servable = Servable("rows", 1, str(path), scheduler=make.scheduler, metrics=make.metrics)
        opened.append((servable, make.scheduler))
        return servable

    yield make
    for servable, scheduler in opened:
        servable.close()
        scheduler.close()


def run(servable, signature, rows, timeout=None):
    """The rows of the only output for those of the only input, of a signature."""
    definition = servable.signatures[signature]
    (feed,), (fetch,) = definition.inputs.values(), definition.outputs.values()
    value = np.array(rows, tf.as_dtype(feed.dtype).as_numpy_dtype)
    return servable.run({feed.name: value}, [fetch.name], timeout)[0].tolist()


def code_of(call):
    error = call.exception(WAIT)
    assert isinstance(error, ServingError), error
    return error.code


def example_input(*numbers):
    request = regression_pb2.RegressionRequest()
    for number in numbers:
        example = request.input.example_list.examples.add()
        example.features.feature["x"].float_list.value.append(number)
    return request.input


class TestModelsOfTensorFlowServing:
    @pytest.fixture
    def half_plus_two(self, tf_serving_testdata):
        return tf_serving_testdata / "saved_model_half_plus_two_cpu" / "00000123"

    def test_predict(self, serve, threads, half_plus_two):
        servable = serve(half_plus_two, max_batch_size=3)
        one = threads.submit(run, servable, "serving_default", [[1.0]])
        two = threads.submit(run, servable, "serving_default", [[2.0], [5.0]])
        assert one.result(WAIT) == [[2.5]]
        assert two.result(WAIT) == [[3.0], [4.5]]
        assert serve.metrics.count(":tensorflow:serving:batching_session:wrapped_run_count") == 1
        assert serve.metrics.count(":tensorflow:core:graph_runs") == 1

    def test_classify_and_regress(self, serve, threads, half_plus_two):
        """Both feed `tf_example:0` and fetch `y:0`, and so share batches."""
        servable = serve(half_plus_two, max_batch_size=3)
        classification = classification_pb2.ClassificationRequest(input=example_input(1.0))
        classification.model_spec.signature_name = "classify_x_to_y"
        regression = regression_pb2.RegressionRequest(input=example_input(2.0, 5.0))
        regression.model_spec.signature_name = "regress_x_to_y"
        classified = threads.submit(classify, servable, classification)
        regressed = threads.submit(regress, servable, regression).result(WAIT)
        assert [one.value for one in regressed.result.regressions] == [3.0, 4.5]
        (answer,) = classified.result(WAIT).result.classifications
        assert [one.score for one in answer.classes] == [2.5]
        assert serve.metrics.count(":tensorflow:serving:batching_session:wrapped_run_count") == 1


def test_strings_and_tables(serve, threads, hashtag_models):
    servable = serve(hashtag_models / "1", max_batch_size=3)
    definition = servable.signatures["hashtag_embedding"]
    fetches = [definition.outputs[alias].name for alias in ("known", "embedding")]

    def ask(*tags):
        feed = np.array([tag.encode() for tag in tags], object)
        known, embedding = servable.run({definition.inputs["hashtag"].name: feed}, fetches)
        return known.tolist(), embedding.ravel().tolist()

    one = threads.submit(ask, "a tag that nobody uses")
    two = threads.submit(ask, VOCABULARY[1], VOCABULARY[0])
    assert one.result(WAIT) == ([False], [0.0])
    assert two.result(WAIT) == ([True, True], pytest.approx([0.2, 0.3]))


class TestErrors:
    def test_a_wrong_shape_alone_hurts_its_caller(self, serve, rows_model):
        servable = serve(rows_model, max_batch_size=1)
        with pytest.raises(ServingError) as caught:
            run(servable, "double", [[1.0, 2.0, 3.0]])
        assert caught.value.code is grpc.StatusCode.INVALID_ARGUMENT
        assert run(servable, "double", [[1.0, 2.0]]) == [[2.0, 4.0]]

    def test_a_wrong_shape_hurts_the_whole_batch(self, serve, threads, rows_model):
        servable = serve(rows_model, max_batch_size=2)
        calls = [
            threads.submit(run, servable, "double", rows) for rows in ([[1.0, 2.0]], [[1.0] * 3])
        ]
        assert [code_of(call) for call in calls] == [grpc.StatusCode.FAILED_PRECONDITION] * 2
        assert serve.metrics.count(":tensorflow:serving:batching_session:wrapped_run_count") == 0
        assert run(servable, "double", [[1.0, 2.0], [3.0, 4.0]]) == [[2.0, 4.0], [6.0, 8.0]]

    def test_a_wrong_value_hurts_the_whole_batch(self, serve, threads, rows_model):
        servable = serve(rows_model, max_batch_size=2)
        calls = [threads.submit(run, servable, "gather", rows) for rows in ([1], [7])]
        errors = [call.exception(WAIT) for call in calls]
        assert [error.code for error in errors] == [grpc.StatusCode.INVALID_ARGUMENT] * 2
        assert all("7 is not in [0, 3)" in error.message for error in errors)
        assert run(servable, "gather", [2, 1]) == [20.0, 10.0]

    def test_an_output_that_is_no_batch(self, serve, rows_model):
        with pytest.raises(ServingError, match="Batched output tensor has 0 dimensions"):
            run(serve(rows_model, max_batch_size=2), "total", [1.0, 2.0])

    def test_an_input_that_is_no_batch(self, serve, rows_model):
        with pytest.raises(ServingError, match="must have at least one dimension"):
            run(serve(rows_model), "gather", 1)


class TestDeadlines:
    def test_a_computation_is_stopped_and_its_thread_goes_on(self, serve, rows_model):
        servable = serve(rows_model, max_batch_size=1)
        for _ in range(2):
            with pytest.raises(ServingError) as caught:
                run(servable, "count", [ENDLESS], timeout=0.1)
            assert caught.value.code is grpc.StatusCode.DEADLINE_EXCEEDED
        assert run(servable, "count", [5]) == [5]

    def test_a_batch_goes_on_to_its_latest_deadline(self, serve, threads, rows_model):
        servable = serve(rows_model, max_batch_size=2)
        calls = [
            threads.submit(run, servable, "count", [ENDLESS], timeout) for timeout in (0.05, 0.3)
        ]
        assert [code_of(call) for call in calls] == [grpc.StatusCode.DEADLINE_EXCEEDED] * 2
        assert run(servable, "count", [5, 6]) == [6, 6]

    def test_an_endless_call_does_not_end_a_call_without_deadline(self, serve, threads, rows_model):
        servable = serve(rows_model, max_batch_size=2)
        patient = threads.submit(run, servable, "count", [ENDLESS])
        impatient = threads.submit(run, servable, "count", [1], 0.05)
        assert code_of(impatient) is grpc.StatusCode.DEADLINE_EXCEEDED
        assert serve.metrics.batches.acquire(timeout=WAIT)
        assert not patient.done()
        servable.close()
        assert code_of(patient) is grpc.StatusCode.CANCELLED


class TestUnloading:
    def test_close_stops_what_runs_and_what_waits(self, serve, threads, rows_model):
        servable = serve(rows_model, max_batch_size=1)
        other = Servable("other", 1, rows_model, scheduler=serve.scheduler)
        running = threads.submit(run, servable, "count", [ENDLESS])
        assert serve.metrics.batches.acquire(timeout=WAIT)
        waiting = threads.submit(run, servable, "count", [ENDLESS], WAIT)
        closing = threads.submit(servable.close)
        assert code_of(running) is grpc.StatusCode.CANCELLED
        # Refused if it came after the end, cancelled if before.
        assert code_of(waiting) in (grpc.StatusCode.CANCELLED, grpc.StatusCode.UNAVAILABLE)
        closing.result(WAIT)
        assert run(other, "count", [3]) == [3]
        other.close()

    def test_a_new_version_takes_over_between_two_batches(self, threads, tmp_path, rows_model):
        """No call fails, and each is answered by the version that it is told of."""
        base = tmp_path / "rows"
        shutil.copytree(rows_model, base / "1")
        scheduler = BatchScheduler(BatchingParameters(max_batch_size=4, num_batch_threads=2))
        manager = ModelManager(QUICK, scheduler=scheduler)
        stop = threading.Event()

        def calls(row):
            answered = set()
            while not stop.is_set():
                with manager.serving(model_pb2.ModelSpec(name="rows")) as servable:
                    (value,) = run(servable, "gather", [row])
                    assert value == row * 10
                    answered.add(servable.version)
            return answered

        try:
            manager.reload(model_config.single_model("rows", str(base)))
            callers = [threads.submit(calls, row % 3) for row in range(6)]
            for version in (2, 3):
                shutil.copytree(rows_model, tmp_path / "aside")
                (tmp_path / "aside").rename(base / str(version))
                assert manager.wait_for_state("rows", version, State.AVAILABLE, WAIT)
                assert manager.wait_for_state("rows", version - 1, State.END, WAIT)
            with manager.serving(model_pb2.ModelSpec(name="rows")) as servable:
                assert servable.version == 3
        finally:
            stop.set()
            answered = set().union(*(caller.result(WAIT) for caller in callers))
            manager.close()
            scheduler.close()
        assert answered <= {1, 2, 3}

    def test_nothing_of_a_closed_servable_stays(self, serve, rows_model):
        def cycle():
            servable = Servable("rows", 1, rows_model, scheduler=serve.scheduler)
            assert run(servable, "gather", [0] * 2) == [0.0] * 2
            servable.close()
            return weakref.ref(servable)

        servable = serve(rows_model, max_batch_size=2)
        cycle()
        before = len(list(Path("/proc/self/task").iterdir()))
        closed = [cycle() for _ in range(10)]
        assert run(servable, "gather", [1, 1]) == [10.0, 10.0]  # the only thread has moved on
        gc.collect()
        assert [reference() for reference in closed] == [None] * 10
        assert len(list(Path("/proc/self/task").iterdir())) <= before

    @pytest.mark.slow
    def test_memory_does_not_grow(self, serve, tmp_path):
        """Thirty loads of 40 MB stay below ten of them."""
        large = save_rows(tmp_path / "large", size=10_000_000)
        serve(large, max_batch_size=1).close()
        for _ in range(3):
            Servable("large", 1, large, scheduler=serve.scheduler).close()
        before = _resident_bytes()
        for _ in range(30):
            servable = Servable("large", 1, large, scheduler=serve.scheduler)
            assert run(servable, "gather", [9]) == [90.0]
            servable.close()
        assert _resident_bytes() - before < 400e6


def _resident_bytes():
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")
