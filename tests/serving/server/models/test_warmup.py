"""The requests that a model brings along, of every kind, and what the load makes of them."""

import shutil

import grpc
import numpy as np
import pytest
import tensorflow as tf
from serving_helpers import QUICK, WAIT, save_hashtag_model
from tensorflow_serving.apis import prediction_log_pb2

from serving import tensors
from serving.server.batching.batch_scheduler import BatchScheduler
from serving.server.batching.parameters import BatchingParameters
from serving.server.errors import ServingError
from serving.server.models import model_config
from serving.server.models.model_manager import ModelManager
from serving.server.models.servable import Servable
from serving.server.models.version_policy import State
from serving.server.models.warmup import MAX_RECORDS, REQUESTS_FILE, warm_up
from serving.server.monitoring.metrics import Metrics


class Counted(Metrics):
    """Knows the APIs and warm-ups that were measured."""

    def __init__(self):
        super().__init__()
        self.apis = []
        self.runs = 0
        self.warmups = []

    def record_runtime(self, model, api, seconds):
        self.apis.append(api)

    def record_graph_run(self, seconds):
        self.runs += 1

    def record_warmup(self, path, seconds, status):
        self.warmups.append(status)


def write(folder, *logs):
    path = folder / REQUESTS_FILE
    path.parent.mkdir(exist_ok=True)
    with tf.io.TFRecordWriter(str(path)) as writer:
        for log in logs:
            writer.write(log if isinstance(log, bytes) else log.SerializeToString())
    return path


def predict_log(signature="", **inputs):
    log = prediction_log_pb2.PredictionLog()
    request = log.predict_log.request
    request.model_spec.signature_name = signature
    for alias, value in inputs.items():
        request.inputs[alias].CopyFrom(tensors.to_proto(np.asarray(value)))
    return log


def half(number=1.0):
    return predict_log(x=np.float32([[number]]))


def examples_log(kind, signature):
    log = prediction_log_pb2.PredictionLog()
    request = getattr(log, kind).request
    request.model_spec.signature_name = signature
    add_example(request.input)
    return log


def add_example(example_input):
    example = example_input.example_list.examples.add()
    example.features.feature["x"].float_list.value.append(1.0)


def multi_inference_log():
    log = prediction_log_pb2.PredictionLog()
    request = log.multi_inference_log.request
    for method, signature in (("classify", "classify_x_to_y"), ("regress", "regress_x_to_y2")):
        task = request.tasks.add(method_name=f"tensorflow/serving/{method}")
        task.model_spec.name = "half"
        task.model_spec.signature_name = signature
    add_example(request.input)
    return log


@pytest.fixture
def folder(tf_serving_testdata, tmp_path):
    source = tf_serving_testdata / "saved_model_half_plus_two_cpu" / "00000123"
    # Not its modes, which may be read-only.
    return shutil.copytree(source, tmp_path / "half" / "1", copy_function=shutil.copyfile)


@pytest.fixture
def metrics():
    return Counted()


@pytest.fixture
def servable(folder, metrics):
    servable = Servable("half", 1, str(folder), metrics=metrics)
    yield servable
    servable.close()


@pytest.fixture
def fails(servable):
    def check(code, **arguments):
        with pytest.raises(ServingError) as caught:
            warm_up(servable, **arguments)
        assert caught.value.code is code
        return caught.value.message

    return check


def test_every_kind_of_request(folder, servable, metrics):
    write(
        folder,
        half(),
        examples_log("classify_log", "classify_x_to_y"),
        examples_log("regress_log", "regress_x_to_y"),
        multi_inference_log(),
    )
    assert warm_up(servable) == 4
    assert metrics.apis == ["Predict", "Classify", "Regress"]  # MultiInference has no time
    assert metrics.runs == 4
    assert metrics.warmups == ["OK"]


def test_a_record_of_no_known_kind_is_passed_over(folder, servable, metrics):
    write(folder, prediction_log_pb2.PredictionLog(), half())
    assert warm_up(servable) == 2
    assert metrics.runs == 1


def test_no_file_and_an_empty_one(folder, servable, metrics):
    assert warm_up(servable) == 0
    assert metrics.warmups == []
    write(folder)
    assert warm_up(servable) == 0
    assert metrics.warmups == ["OK"]


@pytest.mark.parametrize(("iterations", "runs"), [(0, 2), (1, 2), (3, 6)])
def test_iterations(folder, servable, metrics, iterations, runs):
    write(folder, half(), half(2.0))
    assert warm_up(servable, iterations) == 2
    assert metrics.runs == runs


def test_a_session_run_is_not_supported(folder, fails):
    log = prediction_log_pb2.PredictionLog()
    log.session_run_log.SetInParent()
    write(folder, log)
    assert fails(grpc.StatusCode.UNIMPLEMENTED) == "Unsupported log_type for warmup: 5"


def test_a_request_that_fails_ends_it(folder, fails, metrics):
    write(folder, half(), predict_log(x=[[1.5]]), half())
    assert "to be float but double" in fails(grpc.StatusCode.INVALID_ARGUMENT)
    assert metrics.runs == 1
    assert metrics.warmups == []  # as in the original, which measures what came to its end


class TestDamage:
    ADVICE = ". Please verify your warmup data is in TFRecord format."

    def test_no_records_at_all(self, folder, fails, metrics):
        write(folder).write_bytes(b"these are no records, and long enough to see it")
        reason = "corrupted record at 0 (Is this even a TFRecord file?)"
        assert fails(grpc.StatusCode.DATA_LOSS) == reason + self.ADVICE
        assert metrics.warmups == [f"DATA_LOSS: {reason}"]

    def test_a_changed_byte(self, folder, fails, metrics):
        path = write(folder, half(), half())
        content = bytearray(path.read_bytes())
        content[len(content) * 3 // 4] ^= 1
        path.write_bytes(content)
        second = len(content) // 2 + 12  # behind the length and its checksum
        assert fails(grpc.StatusCode.DATA_LOSS) == f"corrupted record at {second}{self.ADVICE}"
        assert metrics.runs == 1

    def test_a_cut_off_end(self, folder, fails, metrics):
        path = write(folder, half(), half())
        path.write_bytes(path.read_bytes()[:-3])
        assert fails(grpc.StatusCode.DATA_LOSS).startswith("truncated record at ")
        assert metrics.runs == 1

    def test_a_record_that_is_no_request(self, folder, fails):
        path = write(folder, half(), b"\xff\xff")
        assert fails(grpc.StatusCode.INVALID_ARGUMENT) == (
            f"Failed to parse warmup record 2 from {path}"
        )

    def test_a_folder_in_place_of_the_file(self, folder, fails):
        (folder / REQUESTS_FILE).mkdir(parents=True)
        assert "directory" in fails(grpc.StatusCode.FAILED_PRECONDITION)


def test_as_many_records_as_allowed_and_one_more(folder, servable, fails, metrics):
    write(folder, *[half()] * MAX_RECORDS)
    assert warm_up(servable) == MAX_RECORDS
    path = write(folder, *[half()] * (MAX_RECORDS + 1))
    assert fails(grpc.StatusCode.INVALID_ARGUMENT) == (
        f"Number of warmup records exceeds the maximum (1000) at {path}"
    )


class TestLoading:
    """The manager's part: warm-up comes before the first call."""

    @pytest.fixture
    def manage(self):
        managers = []

        def make(base, **arguments):
            manager = ModelManager(QUICK, **arguments)
            managers.append(manager)
            manager.reload(model_config.single_model("tags", str(base)))
            return manager

        yield make
        for manager in managers:
            manager.close()

    def test_a_slow_warm_up_ends_before_the_version_serves(self, tmp_path, manage, metrics):
        base = tmp_path / "tags"
        write(save_hashtag_model(base, 1), *[predict_log("slow", steps=np.int64(20_000))] * 3)
        manager = manage(base, metrics=metrics)
        assert manager.wait_for_state("tags", 1, State.AVAILABLE, WAIT)
        assert metrics.apis == ["Predict"] * 3
        assert metrics.warmups == ["OK"]

    def test_warm_up_requests_go_through_the_batches(self, folder, manage):
        write(folder, half(), half())
        metrics = Metrics()
        scheduler = BatchScheduler(BatchingParameters(num_batch_threads=1), metrics)
        try:
            manage(folder.parent, scheduler=scheduler, metrics=metrics).close()
        finally:
            scheduler.close()
        page = metrics.exposition().decode().splitlines()
        assert ":tensorflow:serving:batching_session:wrapped_run_count{} 2" in page
