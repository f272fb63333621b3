"""HTTP around the REST API: compression, chunks, kept connections, CORS, metrics."""

import gzip
import json

import pytest
from rest_helpers import RawConnection, asking, request

HALF = "/v1/models/half"
PREDICT = f"{HALF}:predict"
BODY = json.dumps({"instances": [1.0, 2.0]}).encode()
ANSWER = {"predictions": [2.5, 3.0]}


def test_bodies_in_gzip(half):
    response = half.ask("POST", PREDICT, gzip.compress(BODY), Content_Encoding="gzip")
    assert response.json() == ANSWER


@pytest.mark.parametrize(
    "body", [BODY, gzip.compress(BODY, mtime=0)[:-4], gzip.compress(BODY, mtime=0) + b"more"]
)
def test_bodies_that_are_no_gzip_count_as_empty(half, body):
    response = half.ask("POST", PREDICT, body, Content_Encoding="gzip")
    assert response.status == 400
    assert "JSON Parse error" in response.json()["error"]


def test_gzip_that_swells(half):
    body = gzip.compress(b'{"instances": [' + b" " * 2**24 + b"1]}")
    response = half.ask("POST", PREDICT, body, Content_Encoding="gzip")
    assert response.status == 400
    assert "more than 10485760 bytes" in response.json()["error"]


def test_big_bodies_and_answers(half):
    values = [float(number % 1000) for number in range(200_000)]
    answered = half.post(PREDICT, {"instances": values})
    assert answered == {"predictions": [value / 2 + 2 for value in values]}


def test_bodies_in_chunks(half):
    pieces = [BODY[start : start + 7] for start in range(0, len(BODY), 7)]
    chunks = b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces)
    with RawConnection(half.port) as connection:
        connection.send(
            b"POST %b HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n" % PREDICT.encode()
        )
        connection.send(chunks + b"0\r\n\r\n")
        status, body = connection.response()
        assert (status, json.loads(body)) == (200, ANSWER)


def test_requests_sent_at_once_are_answered_in_turn(half):
    with RawConnection(half.port) as connection:
        bodies = [b'{"inputs": %d}' % number for number in range(50)]
        connection.send(b"".join(request("POST", PREDICT, body) for body in bodies))
        answers = [json.loads(connection.response()[1]) for _ in bodies]
        assert answers == [{"outputs": number / 2 + 2} for number in range(50)]


def test_head_has_no_body(half):
    with RawConnection(half.port) as connection:
        connection.send(b"HEAD /v1/models/half HTTP/1.1\r\n\r\n" + request("GET", "/nowhere"))
        head = connection.head()
        assert head.startswith("HTTP/1.1 400 ")
        assert "Content-Type: application/json" in head
        assert connection.response()[0] == 404


@pytest.mark.parametrize("method", ["TRACE", "CONNECT", "BREW"])
def test_methods_that_http_servers_need_not_know(half, method):
    response = half.ask(method, HALF)
    assert response.status == 501


@pytest.mark.parametrize("path", ["/", "/v1", "/v2/models/half", "/index.html", "//v1/models"])
def test_paths_outside_the_api(half, path):
    assert half.ask("GET", path).status == 404


def test_pages_of_any_origin_may_ask(tags_manager):
    allowed = {
        "Access-Control-Allow-Origin": "*",
        "Access-Control-Allow-Methods": "POST, GET",
        "Access-Control-Allow-Headers": "Content-Type",
    }
    tags = "/v1/models/tags"
    with asking(tags_manager, cors=True) as client:
        for response, status in [
            (client.ask("OPTIONS", f"{tags}:predict", Origin="https://example.org"), 200),
            (client.ask("GET", tags, Origin="https://example.org"), 200),
            (client.ask("POST", "/v1/models/none:predict", "{}"), 404),
        ]:
            assert response.status == status
            assert allowed.items() <= dict(response.headers).items()
        assert client.ask("OPTIONS", tags).status == 400
        assert client.ask("OPTIONS", "/elsewhere", Origin="https://example.org").status == 404


def test_without_cors_no_origin_is_allowed(half):
    response = half.ask("GET", HALF, Origin="https://example.org")
    assert response.status == 200
    assert not [name for name in response.headers if name.startswith("Access-Control")]
    assert half.ask("OPTIONS", HALF, Origin="https://example.org").status == 400
