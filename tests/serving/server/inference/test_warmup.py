"""The requests that a model brings along, of every kind, and what the load makes of them."""

import shutil

import grpc
import numpy as np
import pytest
import tensorflow as tf
from grpc_helpers import examples, multi_request, predict_request
from serving_helpers import samples
from tensorflow_serving.apis import classification_pb2, prediction_log_pb2, regression_pb2

from serving.server.errors import ServingError
from serving.server.flags import ManagerOptions
from serving.server.inference.servable import Servable
from serving.server.inference.warmup import MAX_RECORDS, REQUESTS_FILE, warm_up
from serving.server.metrics import Metrics
from serving.server.models import model_config
from serving.server.models.model_manager import ModelManager

Code = grpc.StatusCode


class Counted(Metrics):
    """What was measured."""

    def read(self, name):
        return samples(self.exposition().decode(), f":tensorflow:{name}")

    @property
    def runs(self):
        return self.read("core:graph_runs")[()]

    @property
    def apis(self):
        return {api: n for (api, *_), n in self.read("serving:runtime_latency_count").items()}

    @property
    def warmups(self):
        counts = self.read("serving:model_warmup_latency_count")
        return {status: count for (_, status), count in counts.items()}


def write(folder, *records):
    path = folder / REQUESTS_FILE
    path.parent.mkdir(exist_ok=True)
    with tf.io.TFRecordWriter(str(path)) as writer:
        for record in records:
            writer.write(record if isinstance(record, bytes) else record.SerializeToString())
    return path


def log(kind, request):
    message = prediction_log_pb2.PredictionLog()
    getattr(message, f"{kind}_log").request.CopyFrom(request)
    return message


def half(x=1.0):
    return log("predict", predict_request(x=np.float32([[x]])))


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
def fails(servable, metrics):
    def check(code):
        with pytest.raises(ServingError) as caught:
            warm_up(servable)
        assert caught.value.code is code
        assert metrics.warmups[code.name] == 1
        return caught.value.message

    return check


def test_every_kind_of_request(folder, servable, metrics):
    unknown = prediction_log_pb2.PredictionLog()  # of a later kind: passed over
    classify = examples(classification_pb2.ClassificationRequest, "classify_x_to_y", 1.0)
    regress = examples(regression_pb2.RegressionRequest, "regress_x_to_y", 1.0)
    both = multi_request(("classify", "classify_x_to_y"), ("regress", "regress_x_to_y2"))
    requests = {"classify": classify, "regress": regress, "multi_inference": both}
    write(folder, half(), *(log(kind, each) for kind, each in requests.items()), unknown)
    assert warm_up(servable) == 5
    assert metrics.apis == {"Predict": 1, "Classify": 1, "Regress": 1}
    assert metrics.runs == 4
    assert metrics.warmups == {"OK": 1}


def test_no_file_and_an_empty_one(folder, servable, metrics):
    assert warm_up(servable) == 0
    assert metrics.warmups == {}
    write(folder)
    assert warm_up(servable) == 0
    assert metrics.warmups == {"OK": 1}


def test_iterations(folder, servable, metrics):
    write(folder, half(), half(2.0))
    assert warm_up(servable, 3) == 2
    assert metrics.runs == 6


def test_a_request_that_fails_ends_it(folder, fails, metrics):
    write(folder, half(), log("predict", predict_request(x=[[1.5]])), half())
    assert "to be float but double" in fails(Code.INVALID_ARGUMENT)
    assert metrics.runs == 1
    session_run = prediction_log_pb2.PredictionLog()
    session_run.session_run_log.SetInParent()
    write(folder, session_run)
    assert "Unsupported log_type" in fails(Code.UNIMPLEMENTED)


def test_as_many_records_as_allowed_and_one_more(folder, servable, fails):
    write(folder, *[half()] * MAX_RECORDS)
    assert warm_up(servable) == MAX_RECORDS
    write(folder, *[half()] * (MAX_RECORDS + 1))
    assert "exceeds the maximum" in fails(Code.INVALID_ARGUMENT)


def test_a_record_that_is_no_request(folder, fails):
    write(folder, half(), b"\xff\xff")
    assert "Failed to parse warmup record 2" in fails(Code.INVALID_ARGUMENT)


@pytest.mark.parametrize("damage", ["changed", "cut off"])
def test_a_damaged_file(folder, fails, damage):
    path = write(folder, half(), half())
    content = bytearray(path.read_bytes())
    if damage == "changed":
        content[len(content) * 3 // 4] ^= 1
    else:
        del content[-3:]
    path.write_bytes(content)
    assert "is in TFRecord format" in fails(Code.DATA_LOSS)


@pytest.mark.parametrize("warm", [True, False])
def test_a_request_that_fails_fails_the_load_unless_turned_off(folder, metrics, warm):
    write(folder, log("predict", predict_request(signature="guess")))
    options = ManagerOptions(max_num_load_retries=0, enable_model_warmup=warm)
    manager = ModelManager(options, metrics=metrics)
    config = model_config.single_model("tags", str(folder.parent))
    if warm:
        with pytest.raises(ServingError, match="Serving signature key"):
            manager.reload(config)
    else:
        manager.reload(config)
    manager.close()
    assert metrics.warmups == ({"FAILED_PRECONDITION": 1} if warm else {})
