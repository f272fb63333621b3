"""Requests that mean harm: each is refused in JSON, and a good client notices nothing."""

import contextlib
import json
import random
import threading
from concurrent import futures

import pytest
from rest_helpers import Client, RawConnection, asking, request
from serving_helpers import mutated

ECHO = "/v1/models/echo"
PREDICT = f"{ECHO}:predict"
GOOD = b'{"signature_name": "half", "instances": [1.0, 2.0]}'
GOOD_ANSWER = {"predictions": [0.5, 1.0]}


@pytest.fixture(scope="module")
def hostile(echo_manager):
    """A client of a server that a good client asks all the while."""
    stopping = threading.Event()

    def ask_in_a_loop(port):
        with contextlib.closing(Client(port)) as good:
            value = 0
            while not stopping.wait(0.01) or not value:
                answer = good.post(PREDICT, {"signature_name": "half", "inputs": [value]})
                assert answer == {"outputs": [value / 2]}
                value += 1

    with asking(echo_manager) as client, futures.ThreadPoolExecutor(1) as pool:
        asked = pool.submit(ask_in_a_loop, client.port)
        yield client
        stopping.set()
        asked.result()


def half(values: str) -> bytes:
    return f'{{"signature_name": "half", "inputs": {values}}}'.encode()


def rows(values: str, signature: str = "half") -> bytes:
    return f'{{"signature_name": "{signature}", "instances": {values}}}'.encode()


DOCUMENTS = {
    "empty": b"",
    "UTF-16": '{"inputs": [1]}'.encode("utf-16"),
    "invalid UTF-8": b'{"inputs": ["\xff\xfe"]}',
    "half a surrogate pair": b'{"inputs": ["\\ud800"]}',
    "100,000 lists": b"[" * 100_000 + b"]" * 100_000,
    "lists within inputs": half("[" * 900 + "1" + "]" * 900),
    "objects within an unused name": b'{"a":' * 100_000 + b"1" + b"}" * 100_000,
    "a million backslashes": b'{"a": "' + b"\\" * 1_000_000,
    "truncated string": b'{"inputs": "abc',
    "1e400": half("[1e400]"),
    "an integer of 100,000 digits": half("[" + "9" * 100_000 + "]"),
    "the same name after many": b"{"
    + b",".join(b'"%d": 1' % number for number in range(100_000))
    + b', "99999": 1}',
    "an empty object": b"{}",
    "instances and inputs": b'{"instances": [1], "inputs": [1]}',
    "no instances": rows("[]"),
    "a signature of a megabyte": b'{"signature_name": "%b", "inputs": [1]}' % (b"a" * 2**20),
    "ragged lists within": rows("[[[1, 2], [3]]]", "half_pixels"),
    "the wrong shape": rows("[[[1], [2]]]", "half_pixels"),
    "strings for numbers": half('["1"]'),
    "base64 with company": b'{"inputs": [{"b64": "AAAA", "b65": "AAAA"}]}',
    "an unknown input": rows('[{"y": 1}]'),
    "objects beside values": rows('[{"x": 1}, 2]'),
    "a bad last element": half("[" + "1," * 1_000_000 + "null]"),
    "a bad string of 8 megabytes": half('["' + "a" * 2**23 + '"]'),
    "several inputs without names": b'{"signature_name": "all_types", "inputs": [1]}',
    "integers out of range": b'{"signature_name": "all_types", "inputs": {"photo": [""], '
    b'"d": [1], "i": [9223372036854775808], "u": [1], "b": [true]}}',
    "batches of different sizes": b'{"signature_name": "all_types", "inputs": {"photo": [""], '
    b'"d": [1, 2], "i": [1, 2], "u": [], "b": [true, 7]}}',
}


@pytest.mark.parametrize("name", DOCUMENTS)
def test_documents(hostile, name):
    status, message = hostile.error("POST", PREDICT, DOCUMENTS[name])
    assert status == 400
    assert 0 < len(message) < 10_000 or name == "a signature of a megabyte"
    assert hostile.post(PREDICT, GOOD) == GOOD_ANSWER


@pytest.mark.parametrize("method", ["classify", "regress"])
@pytest.mark.parametrize(
    "body",
    [
        b"{}",
        b"[" * 100_000,
        b'{"examples": []}',
        b'{"examples": [{"a": [[1], null]}]}',
        b'{"examples": [{"a": {"b": 1}}]}',
        b'{"examples": [{}], "context": 1}',
        b'{"examples": [{"x": 1.0}]}',
    ],
)
def test_examples(hostile, method, body):
    status, message = hostile.error("POST", f"{ECHO}:{method}", body)
    assert status == 400
    assert message
    assert hostile.post(PREDICT, GOOD) == GOOD_ANSWER


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/v1/models/../../etc/passwd", 400),
        ("/v1/models/..%2f..%2fetc%2fpasswd", 404),
        ("/v1/models/echo\0", 400),
        ("/v1/models/%ff%fe", 404),
        ("/v1/models/%0d%0aSet-Cookie:a=b", 400),
        ("/v1/models/" + "a" * 100_000, 404),
        ("/v1/models/echo/versions/" + "9" * 100_000, 400),
        ("/v1/models/echo/versions/\xd9\xa1".encode().decode("latin-1"), 400),
        ("/v1/models/echo/labels/..%2f..", 200),
        ("/v1/models/echo#fragment", 404),
        ("http://[::1/v1/models/echo", 400),
    ],
)
def test_paths(hostile, path, status):
    with RawConnection(hostile.port) as connection:
        connection.send(b"GET " + path.encode("latin-1") + b" HTTP/1.1\r\n\r\n")
        answered, body = connection.response()
    assert answered == status
    assert list(json.loads(body)) == ["model_version_status" if status == 200 else "error"]
    assert hostile.post(PREDICT, GOOD) == GOOD_ANSWER


HEAD = b"POST /v1/models/echo:predict HTTP/1.1\r\n"


@pytest.mark.parametrize(
    ("text", "status"),
    [
        (b"nonsense\r\n\r\n", 400),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", 400),
        (b"GET /v1/models/echo HTTP/1.1\r\nA: b\x00c\r\n\r\n", 400),
        (b"GET /" + b"a" * 300_000 + b" HTTP/1.1\r\n\r\n", 431),
        (b"GET / HTTP/1.1\r\n" + b"a: b\r\n" * 50_000 + b"\r\n", 431),
        (HEAD + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\n", 400),
        (HEAD + b"Content-Length: 99999999999999999999\r\n\r\n", 413),
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\nnonsense\r\n", 400),
        (HEAD + b"Transfer-Encoding: gzip\r\n\r\n", 501),
        (HEAD + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
    ],
)
def test_bytes_that_are_no_http(hostile, text, status):
    with RawConnection(hostile.port) as connection:
        connection.send(text)
        answered, body = connection.response()
    assert answered == status
    assert list(json.loads(body)) == ["error"]
    assert hostile.post(PREDICT, GOOD) == GOOD_ANSWER


SEEDS = [
    GOOD,
    rows('[{"x": 1.5}, {"x": NaN}, {"x": -Infinity}]'),
    rows("[[[1, 2], [3, 4]]]", "half_pixels"),
    b'{"instances": ["caf\xc3\xa9", {"b64": "aGVsbG8="}, "\\ud83d\\ude00"]}',
    b'{"signature_name": "all_types", "inputs": {"photo": ["a"], "d": [1e3], "i": [-7], '
    b'"u": [255], "b": [true]}}',
]
PIECES = [
    *(b"[", b"]", b"{", b"}", b'"', b",", b":", b"\\", b"\\u", b"\0", b"\xff", b"\xf0\x9f"),
    *(b"-", b"1e999", b"NaN", b"null", b"true", b'{"b64": ""}', b"9" * 30, b" ", b"[[]]", b"{}"),
]


def test_mutated_bodies(hostile):
    chance = random.Random(1)
    statuses = set()
    for _ in range(1000):
        body = mutated(chance.choice(SEEDS), chance, PIECES)
        response = hostile.ask("POST", PREDICT, body)
        assert response.status in (200, 400), (body, response.data)
        expected = {"error"} if response.status == 400 else {"predictions", "outputs"}
        assert response.json().keys() <= expected, body
        statuses.add(response.status)
    assert statuses == {200, 400}
    assert hostile.post(PREDICT, GOOD) == GOOD_ANSWER


@pytest.mark.parametrize("seed", range(3))
def test_mutated_requests(hostile, seed):
    chance = random.Random(100 + seed)
    for _ in range(50):
        text = mutated(request("POST", PREDICT, GOOD, "Connection: close"), chance, PIECES)
        with RawConnection(hostile.port) as connection:
            connection.send(text)
            connection.finish()
            for status in connection.statuses():
                assert status == 200 or 400 <= status < 500 or status in (501, 505), text
    assert hostile.post(PREDICT, GOOD) == GOOD_ANSWER
