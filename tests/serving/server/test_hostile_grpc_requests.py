"""A server in a process of its own answers what no honest client sends, and lives."""

import contextlib
import socket
import threading
from pathlib import Path

import grpc
import pytest
from google.protobuf.message import DecodeError
from hostile_requests import PREDICTION, mutated, table
from serving_helpers import Stubs, photo_request
from tensorflow_serving.apis import predict_pb2

from serving import ServerProcess

Code = grpc.StatusCode
DEADLINE = 60.0
SOCKETS = 200
MUTATIONS = 400
MAX_GROWTH_BYTES = 2**30


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


@pytest.mark.parametrize("hostile", table(), ids=lambda hostile: hostile.name)
def test_a_hostile_request_gets_its_status(stubs, hostile):
    code, details = ask(stubs, hostile.method, hostile.body)
    assert code is hostile.code, details
    assert hostile.words in details
    assert len(details) < 1100


def test_there_are_enough_of_them():
    assert len(table()) > 200
    assert len({hostile.name for hostile in table()}) == len(table())


@pytest.mark.slow
def test_mutated_requests_beside_a_good_client(process, stubs):
    before = resident_bytes(process)
    stopping = threading.Event()
    answered, failures = [], []

    def good_client():
        good = Stubs(process.endpoint)
        while not stopping.is_set():
            try:
                check_good_answer(good)
                answered.append(True)
            except (AssertionError, grpc.RpcError) as error:
                failures.append(error)
        good.channel.close()

    client = threading.Thread(target=good_client)
    client.start()
    try:
        codes = set()
        for seed in range(MUTATIONS):
            body = mutated(seed)
            code, details = ask(stubs, PREDICTION + "Predict", body)
            codes.add(code)
            try:
                predict_pb2.PredictRequest.FromString(body)
            except DecodeError:
                assert code is Code.INTERNAL, (seed, details)
            else:
                assert code not in (Code.INTERNAL, Code.UNKNOWN, Code.UNAVAILABLE), (seed, details)
    finally:
        stopping.set()
        client.join()
    assert not failures
    assert answered
    assert {Code.OK, Code.INVALID_ARGUMENT, Code.INTERNAL} <= codes
    assert resident_bytes(process) - before < MAX_GROWTH_BYTES


@pytest.mark.slow
def test_memory_stays_bounded_under_claims_of_terabytes(process, stubs):
    claims = [hostile for hostile in table() if hostile.name.startswith(("age:", "country:"))]
    for hostile in claims:
        ask(stubs, hostile.method, hostile.body)
    before = resident_bytes(process)
    for _ in range(20):
        calls = [
            stubs.channel.unary_unary(hostile.method).future(hostile.body, timeout=DEADLINE)
            for hostile in claims
        ]
        for call in calls:
            assert call.code() is Code.INVALID_ARGUMENT
    assert resident_bytes(process) - before < MAX_GROWTH_BYTES


@pytest.mark.parametrize(
    "sent",
    [
        b"GET /v1/models/tags HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"POST / HTTP/1.0\r\nContent-Length: 999999999999\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\x00" * 200,  # begin of TLS
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\xff" * 1000,
        b"\x00" * 10_000,
    ],
    ids=["HTTP/1.1", "HTTP/1.0", "TLS", "broken HTTP/2", "zeros"],
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
    call = stubs.channel.unary_unary(PREDICTION + "Predict")
    body = photo_request().SerializeToString()
    for _ in range(100):
        call.future(body).cancel()
    check_good_answer(stubs)
