"""A server in a process of its own answers what no honest client sends, and lives."""

import contextlib
import itertools
import random
import socket
from pathlib import Path

import grpc
import numpy as np
import pytest
from google.protobuf.message import DecodeError
from serving_helpers import Stubs, mutated, photo, photo_request
from tensorflow.core.framework import types_pb2
from tensorflow_serving.apis import classification_pb2, predict_pb2, regression_pb2

from serving import ServerProcess, tensors

Code = grpc.StatusCode
BAD = Code.INVALID_ARGUMENT
PREDICTION = "/tensorflow.serving.PredictionService/"
PREDICT = f"{PREDICTION}Predict"
MODEL = "/tensorflow.serving.ModelService/"
DEADLINE = 60.0
SOCKETS = 200
MUTATIONS = 400
MAX_GROWTH_BYTES = 2**30

IMPOSSIBLE_SHAPES = {
    "terabytes": (10**12,),
    "negative": (-1,),
    "a product that overflows to 1": (2**63 - 1, 2**63 - 1),
    "a thousand dimensions": (2,) * 1000,
}
WRONG_SHAPES = {"a gigabyte": (2**28,), "another batch": (2,), "a matrix": (1, 1)}
CONTENTS = {"seven bytes": b"1234567", "endless lengths": b"\xff" * 64}
NAMES = ["nobody", "../../etc/passwd", "tags\x00", "💥" * 300, "x" * 2**20]
PNG = photo()
IMAGES = {
    "empty": b"",
    "half a PNG": PNG[: len(PNG) // 2],
    "a PNG with a wrong checksum": PNG[:40] + b"\x00" + PNG[41:],
    "a PNG that claims 2^31 pixels a side": PNG[:16] + b"\x7f\xff\xff\xff" * 2 + PNG[24:],
    "a JPEG of nothing": b"\xff\xd8\xff\xd9",
    "a GIF's head": b"GIF89a" + b"\xff" * 7,
}
NO_MESSAGES = {
    "an endless varint": b"\x08" + b"\xff" * 20,
    "a length beyond the end": b"\x0a\xff\xff\xff\xff\x07x",
    "a name that is not UTF-8": b"\x0a\x04\x0a\x02\xff\xfe",
    "a truncated request": photo_request().SerializeToString()[:-1],
    "nested without end": b"\x0a\x7f" * 300,
}


def predict(name, change, code=BAD, words=""):
    """A case: a good request, changed, and the answer that it must get."""
    request = photo_request()
    change(request)
    return name, PREDICT, request.SerializeToString(), code, words


def shaped(alias, dims):
    def change(request):
        shape = request.inputs[alias].tensor_shape
        shape.ClearField("dim")
        for size in dims:
            shape.dim.add(size=size)

    return change


def valued(alias, value):
    return lambda request: request.inputs[alias].CopyFrom(tensors.to_proto(np.asarray(value)))


def fielded(alias, **fields):
    return lambda request: [setattr(request.inputs[alias], *field) for field in fields.items()]


def specified(**fields):
    return lambda request: [setattr(request.model_spec, *field) for field in fields.items()]


def of_shapes():
    for alias in ("age", "country", "image"):
        words = f"tensor parsing error: {alias}"
        for name, dims in IMPOSSIBLE_SHAPES.items():
            yield predict(f"{alias}: {name}", shaped(alias, dims), words=words)
        for name, dims in WRONG_SHAPES.items():
            yield predict(f"{alias}: {name}", shaped(alias, dims))
        yield predict(
            f"{alias}: unknown rank",
            lambda r, a=alias: setattr(r.inputs[a].tensor_shape, "unknown_rank", True),
            words=words,
        )
    yield predict("nothing at all", lambda r: [shaped(a, (0,))(r) for a in [*r.inputs]], Code.OK)
    yield predict("an empty image batch", shaped("image", (0,)))


def of_types():
    for name, number in types_pb2.DataType.items():
        if name != "DT_FLOAT":
            yield predict(f"age as {name}", fielded("age", dtype=number))
    yield predict("age as a type to come", fielded("age", dtype=9999), words="parsing error: age")
    yield predict("image of numbers", valued("image", np.float32([1.0])))
    yield predict("country of numbers", valued("country", [1]))
    for alias, (name, content) in itertools.product(("age", "image"), CONTENTS.items()):
        change = fielded(alias, tensor_content=content)
        yield predict(f"{alias}: content of {name}", change, words=f"parsing error: {alias}")


def of_names():
    for name in NAMES:
        label, signature = specified(version_label=name), specified(signature_name=name)
        for what, change, code, words in [
            ("model", specified(name=name), Code.NOT_FOUND, "Servable not"),
            ("signature", signature, Code.FAILED_PRECONDITION, "Serving signature key"),
            ("label", label, BAD, "Unrecognized servable version label"),
            ("output", lambda r, n=name: r.output_filter.append(n), BAD, "alias not found in sig"),
        ]:
            yield predict(f"{what} {name[:20]!r}", change, code, words)
    for version in (-1, 3, 2**63 - 1):
        yield predict(
            f"version {version}",
            lambda r, v=version: setattr(r.model_spec.version, "value", v),
            Code.NOT_FOUND,
            "Specific(",
        )
    for what, change, words in [
        ("no model", specified(name=""), "no name specified"),
        ("100,000 outputs", lambda r: r.output_filter.extend(["scores"] * 10**5), "duplicate"),
        ("100,000 inputs", lambda r: [r.inputs[str(i)] for i in range(10**5)], "invalid name"),
        ("no inputs", lambda r: r.inputs.clear(), "input alias"),
    ]:
        yield predict(what, change, words=words)


def of_images():
    for name, content in IMAGES.items():
        yield predict(f"image: {name}", valued("image", np.array([content], object)))


def of_other_methods():
    for method in ("Predict", "Classify", "Regress", "GetModelMetadata", "MultiInference"):
        yield f"{method} of nothing", PREDICTION + method, b"", BAD, "Missing ModelSpec"
    yield "status of nothing", f"{MODEL}GetModelStatus", b"", BAD, "Missing ModelSpec"
    yield "reload of nothing", f"{MODEL}HandleReloadConfigRequest", b"", BAD, "Only Model"
    yield "a method of its own", f"{PREDICTION}Format", b"", Code.UNIMPLEMENTED, ""

    spec = {"name": "tags", "signature_name": "classify"}
    classify = classification_pb2.ClassificationRequest(model_spec=spec)
    features = classify.input.example_list.examples.add().features.feature
    body = classify.SerializeToString()
    yield "an example without features", f"{PREDICTION}Classify", body, BAD, "image"
    features["image"].int64_list.value.append(1)
    body = classify.SerializeToString()
    yield "a feature of another type", f"{PREDICTION}Classify", body, BAD, ""
    regress = regression_pb2.RegressionRequest(model_spec=spec, input=classify.input)
    body = regress.SerializeToString()
    yield "regression of a classification", f"{PREDICTION}Regress", body, BAD, "Expected outputs"


def of_no_messages():
    for method, (name, body) in itertools.product(("Predict", "Classify"), NO_MESSAGES.items()):
        yield f"{method}: {name}", PREDICTION + method, body, Code.INTERNAL, ""


CASES = {
    name: rest
    for cases in (of_shapes, of_types, of_names, of_images, of_other_methods, of_no_messages)
    for name, *rest in cases()
}


@pytest.fixture(scope="module")
def process(hashtag_models):
    with ServerProcess(model_name="tags", model_base_path=hashtag_models) as server:
        yield server
    assert server.wait() == 0


@pytest.fixture(scope="module")
def stubs(process):
    made = Stubs(process.endpoint)
    yield made
    made.channel.close()


@pytest.fixture(autouse=True)
def well(process, stubs):
    """Before and after each test the server answers as it should."""
    check_good_answer(stubs)
    yield
    check_good_answer(stubs)


def check_good_answer(stubs):
    response = stubs.prediction.Predict(photo_request(), timeout=DEADLINE)
    assert response.model_spec.version.value == 2
    assert response.outputs["hashtags"].string_val[0] == b"sunset"


def ask(stubs, method, body):
    """Status and message of a request of raw bytes."""
    call = stubs.channel.unary_unary(method)
    try:
        call(body, timeout=DEADLINE)
    except grpc.RpcError as error:
        return error.code(), error.details()
    return Code.OK, ""


def resident_bytes(process):
    for line in Path(f"/proc/{process.pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) * 1024
    raise AssertionError("no VmRSS")


@pytest.mark.parametrize("name", CASES)
def test_a_hostile_request_gets_its_status(stubs, name):
    method, body, expected, words = CASES[name]
    code, details = ask(stubs, method, body)
    assert code is expected, details
    assert words in details
    assert len(details) < 1100


@pytest.mark.slow
def test_mutated_requests(process, stubs):
    before, codes = resident_bytes(process), set()
    for seed in range(MUTATIONS):
        body = mutated(photo_request().SerializeToString(), random.Random(seed))
        code, details = ask(stubs, PREDICT, body)
        codes.add(code)
        try:
            predict_pb2.PredictRequest.FromString(body)
        except DecodeError:
            assert code is Code.INTERNAL, (seed, details)
        else:
            assert code not in (Code.INTERNAL, Code.UNKNOWN, Code.UNAVAILABLE), (seed, details)
    assert {Code.OK, Code.INVALID_ARGUMENT, Code.INTERNAL} <= codes
    assert resident_bytes(process) - before < MAX_GROWTH_BYTES


@pytest.mark.parametrize(
    "sent",
    [
        b"GET /v1/models/tags HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\x00" * 200,  # begin of TLS
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\xff" * 1000,
    ],
    ids=["HTTP/1.1", "TLS", "broken HTTP/2"],
)
def test_what_is_not_grpc_is_hung_up_on(process, sent):
    with socket.create_connection(("localhost", process.port), timeout=DEADLINE) as connection:
        with contextlib.suppress(ConnectionError):
            connection.sendall(sent)
            while connection.recv(65536):  # whatever it says, it hangs up
                pass


def test_connections_that_say_nothing_or_stop_halfway(process, stubs):
    preface = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
    with contextlib.ExitStack() as stack:
        for index in range(SOCKETS):
            connection = socket.create_connection(("localhost", process.port), timeout=DEADLINE)
            stack.enter_context(connection)
            connection.sendall(preface[: index % len(preface)])
        for _ in range(10):
            check_good_answer(stubs)


def test_calls_that_are_cancelled_at_once(stubs):
    call = stubs.channel.unary_unary(PREDICT)
    body = photo_request().SerializeToString()
    for _ in range(100):
        call.future(body).cancel()
    check_good_answer(stubs)
