"""Loops, errors and stalls, against servers that answer as they are told to."""

import asyncio
import itertools
import json
import ssl
import threading
import time

import grpc
import numpy as np
import pytest
from load_helpers import fake_grpc_server, fake_http_server, write

from serving.client.tls import Tls
from serving.load_test import load_generator
from serving.load_test.load import Load
from serving.load_test.request_content import RequestContent
from serving.load_test.run_load import run_load
from serving.load_test.target import Endpoint
from tagkeras.cli.errors import UserError
from tagkeras.data.user import User

STALL = 0.2


def load_of(**flags):
    return Load(
        **{
            "clients": None,
            "rate": None,
            "arrivals": "even",
            "duration": None,
            "requests": None,
            "warmup": 0,
            **flags,
        }
    )


def measure(address, load, batch=1, content=None, **endpoint):
    endpoint = Endpoint(address, "tags", **endpoint)
    return asyncio.run(run_load(endpoint, content or RequestContent(), load, batch))


def respond_ok(handler, _):
    write(handler, 200, b'{"outputs": [1]}')


class Together:
    """Answers requests in groups of this size, and counts how many are under way.

    Attributes:
        most: requests that were under way at a time.
    """

    def __init__(self, size):
        self.most = 0
        self._under_way = 0
        self._lock = threading.Lock()
        self._barrier = threading.Barrier(size, timeout=30)

    def __call__(self, _):
        with self._lock:
            self._under_way += 1
            self.most = max(self.most, self._under_way)
        self._barrier.wait()
        with self._lock:
            self._under_way -= 1


class TestClosedLoop:
    def test_sends_as_many_requests_as_asked(self):
        with fake_grpc_server(lambda _: None) as (address, service):
            report, samples = measure(address, load_of(clients=7, requests=50, warmup=13))
        assert len(service.requests) == 63
        assert (report.requests, report.succeeded, len(samples)) == (50, 50, 50)
        assert report.failures == {}
        assert samples.finished == 63
        assert len(service.peers) == 7  # connections

    def test_has_each_client_wait_for_its_answer(self):
        together = Together(3)
        with fake_grpc_server(together) as (address, _):
            report, _ = measure(address, load_of(clients=3, requests=30))
        assert (report.succeeded, together.most) == (30, 3)

    def test_of_a_time(self):
        with fake_grpc_server(lambda _: None) as (address, service):
            report, samples = measure(address, load_of(clients=2, duration=0.5, warmup=0.25))
        assert samples.due.min() >= 0.25
        assert samples.due.max() < 0.75
        assert 0 < report.requests < len(service.requests) == samples.finished

    def test_rest_keeps_its_connections(self):
        clients = set()

        def respond(handler, number):
            clients.add(handler.client_address)
            respond_ok(handler, number)

        with fake_http_server(respond) as (address, posts):
            report, _ = measure(address, load_of(clients=4, requests=40, warmup=10))
        assert (len(posts), report.requests, report.succeeded) == (50, 40, 40)
        assert report.api == "REST"
        assert len(clients) <= 4


class TestOpenLoop:
    @pytest.mark.parametrize("kind", ["even", "poisson"])
    def test_sends_what_is_due(self, kind):
        load = load_of(rate=200.0, arrivals=kind, requests=40, warmup=10)
        with fake_grpc_server(lambda _: None) as (address, service):
            report, samples = measure(address, load)
        assert len(service.requests) == 50
        assert (report.requests, report.arrivals) == (40, kind)
        assert (samples.sent >= samples.due).all()
        if kind == "even":
            np.testing.assert_allclose(np.sort(samples.due), np.arange(10, 50) / 200)

    def test_of_a_time(self):
        with fake_grpc_server(lambda _: None) as (address, service):
            report, _ = measure(address, load_of(rate=100.0, duration=0.3, warmup=0.1))
        assert (len(service.requests), report.requests) == (40, 30)

    def test_a_stall_shows_in_all_requests_that_were_due_meanwhile(self):
        """Nobody is answered from request 20 on until request 50 has come."""
        all_came = threading.Event()

        def answer(number):
            if number == 50:
                all_came.set()
            if number >= 20:
                assert all_came.wait(30)

        with fake_grpc_server(answer) as (address, _):
            report, samples = measure(address, load_of(rate=100.0, requests=80))
        latency = (samples.done - samples.due)[np.argsort(samples.due)]
        # Request 50 is due 300 ms after request 20, 290 ms after request 21, and so on.
        assert (latency[20:50] >= np.arange(30, 0, -1) / 100).all()
        assert report.latency_ms.max >= 300
        assert report.latency_ms.p95 >= 260  # of 80, 4 are above it, and 20 to 24 take as long

    def test_a_closed_loop_hides_it(self):
        """Of one client, one request waits, however long."""
        came = []

        def answer(number):
            if number == 20:
                time.sleep(STALL)
                came.append(len(service.requests))

        with fake_grpc_server(answer) as (address, service):
            report, samples = measure(address, load_of(clients=1, requests=80))
        assert came == [21]
        assert report.latency_ms.max >= STALL * 1000
        assert (samples.due[1:] >= samples.done[:-1]).all()

    def test_does_not_wait_for_answers(self):
        """All are sent before the first is answered."""
        came = threading.Semaphore(0)
        all_came = threading.Event()

        def answer(number):
            came.release()
            if number == 29:
                all_came.set()
            assert all_came.wait(30)

        with fake_grpc_server(answer) as (address, _):
            report, _ = measure(address, load_of(rate=1000.0, requests=30))
        assert report.succeeded == 30

    def test_has_no_more_under_way_than_memory_for(self, monkeypatch):
        monkeypatch.setattr(load_generator, "_MAX_UNDER_WAY", 3)
        together = Together(3)
        with fake_grpc_server(together) as (address, _):
            report, _ = measure(address, load_of(rate=1e6, requests=60))
        assert (report.succeeded, together.most) == (60, 3)
        assert report.lag_ms.max > report.lag_ms.p50 > 0


class TestFailures:
    def test_grpc_statuses_are_counted(self):
        codes = itertools.cycle(
            [
                None,
                grpc.StatusCode.RESOURCE_EXHAUSTED,
                None,
                grpc.StatusCode.UNAVAILABLE,
                grpc.StatusCode.RESOURCE_EXHAUSTED,
            ]
        )
        with fake_grpc_server(lambda _: next(codes)) as (address, service):
            report, _ = measure(address, load_of(clients=1, requests=20))
        assert len(service.requests) == 20  # none is repeated
        assert report.succeeded == 8
        assert list(report.failures.items()) == [("RESOURCE_EXHAUSTED", 8), ("UNAVAILABLE", 4)]
        assert report.details["RESOURCE_EXHAUSTED"] == "no answer to 1"

    def test_deadlines_are_latencies(self):
        release = threading.Event()

        def answer(number):
            if number == 0:
                release.wait(30)

        with fake_grpc_server(answer) as (address, _):
            report, _ = measure(address, load_of(clients=1, requests=5), timeout=0.5)
            release.set()
        assert report.failures == {"DEADLINE_EXCEEDED": 1}
        assert report.latency_ms.max >= 490

    def test_http_statuses_are_counted(self):
        def respond(handler, number):
            if number % 3 == 0:
                respond_ok(handler, number)
            elif number % 3 == 1:
                write(handler, 404, b'{"error": "no such\\nmodel"}')
            else:
                write(handler, 500, b"not JSON")

        with fake_http_server(respond) as (address, _):
            report, _ = measure(address, load_of(clients=1, requests=9))
        assert report.failures == {"HTTP 404": 3, "HTTP 500": 3}
        assert report.details == {"HTTP 404": "no such", "HTTP 500": "not JSON"}

    def test_http_that_breaks_or_is_silent(self):
        release = threading.Event()

        def respond(handler, number):
            if number == 0:
                release.wait(30)
            elif number == 1:
                handler.wfile.write(b"nonsense\r\n\r\n")
                handler.close_connection = True
            elif number == 2:
                handler.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nshort")
                handler.close_connection = True
            else:
                respond_ok(handler, number)

        with fake_http_server(respond) as (address, _):
            report, _ = measure(address, load_of(clients=1, requests=4), timeout=0.5)
            release.set()
        assert report.failures == {"UNAVAILABLE": 2, "DEADLINE_EXCEEDED": 1}
        assert report.succeeded == 1

    def test_an_idle_connection_that_was_closed_is_made_again(self):
        def respond(handler, number):
            respond_ok(handler, number)
            handler.close_connection = True  # without telling so

        with fake_http_server(respond) as (address, posts):
            report, _ = measure(address, load_of(clients=1, requests=5))
        assert (report.succeeded, len(posts)) == (5, 5)

    @pytest.mark.parametrize("answer", [b"H", b"HTTP/1.1 200 OK\r\n", b"nonsense\r\n\r\n"])
    def test_a_request_whose_answer_has_begun_is_not_repeated(self, answer):
        def respond(handler, number):
            if number == 1:
                handler.wfile.write(answer)
                handler.close_connection = True
            else:
                respond_ok(handler, number)

        with fake_http_server(respond) as (address, posts):
            report, _ = measure(address, load_of(clients=1, requests=4))
        assert (report.failures, report.succeeded, len(posts)) == ({"UNAVAILABLE": 1}, 3, 4)

    def test_a_request_without_an_answer_is_repeated_once_and_counts_once(self):
        """Over a new connection, where another silence is a failure."""

        def respond(handler, number):
            if number in (1, 3, 4):
                handler.close_connection = True
            else:
                respond_ok(handler, number)

        with fake_http_server(respond) as (address, posts):
            report, _ = measure(address, load_of(clients=1, requests=4))
        assert (report.failures, report.succeeded, len(posts)) == ({"UNAVAILABLE": 1}, 3, 6)
        assert report.details == {"UNAVAILABLE": "the connection was closed without an answer"}

    def test_answers_in_chunks_and_a_connection_said_to_end(self):
        def respond(handler, number):
            handler.send_response(200)
            handler.send_header("Transfer-Encoding", "chunked")
            if number == 1:
                handler.send_header("Connection", "close")
            handler.end_headers()
            handler.wfile.write(b'5;a=b\r\n{"out\r\n8\r\nputs": 1\r\n1\r\n}\r\n0\r\nX: y\r\n\r\n')

        with fake_http_server(respond) as (address, posts):
            report, _ = measure(address, load_of(clients=1, requests=4))
        assert (report.succeeded, len(posts)) == (4, 4)


class TestTls:
    def test_grpc(self, authority, tls_files):
        own = authority.issue_cert("localhost")
        credentials = grpc.ssl_server_credentials(
            [(own.private_key_pem.bytes(), own.cert_chain_pems[0].bytes())],
            authority.cert_pem.bytes(),
            require_client_auth=True,
        )
        tls = Tls(**tls_files)
        with fake_grpc_server(lambda _: None, credentials) as (address, _):
            report, _ = measure(address, load_of(clients=2, requests=4), tls=tls)
            assert report.succeeded == 4
            with pytest.raises(UserError, match="no gRPC server answers at localhost"):
                measure(address, load_of(clients=1, requests=1), timeout=5.0)

    def test_rest(self, authority, tls_files):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert("localhost").configure_cert(context)

        def use_tls(server):
            server.socket = context.wrap_socket(server.socket, server_side=True)

        tls = Tls(ca=tls_files["ca"])
        with fake_http_server(respond_ok, tls=use_tls) as (address, _):
            report, _ = measure(address, load_of(clients=2, requests=4), tls=tls)
            assert report.succeeded == 4
            with pytest.raises(UserError, match=r"no REST server.*certificate verify failed"):
                measure(address, load_of(clients=1, requests=1))


class TestRequests:
    def test_are_of_the_batch_and_the_version(self):
        users = [User(age=20.0), User(), User(age=40.0)]
        content = RequestContent(users=users)
        with fake_grpc_server(lambda _: None) as (address, service):
            measure(address, load_of(clients=1, requests=3), 2, content, version=7)
        first, second, third = service.requests
        ages = [np.frombuffer(r.inputs["age"].tensor_content, np.float32) for r in (first, second)]
        np.testing.assert_equal(np.concatenate(ages), np.float32([20, np.nan, 40, 20]))
        spec = third.model_spec
        assert (spec.name, spec.signature_name, spec.version.value) == (
            "tags",
            "serving_default",
            7,
        )

    def test_of_rest(self):
        content = RequestContent(users=[User(age=20.0), User()])
        with fake_http_server(respond_ok) as (address, posts):
            measure(address, load_of(clients=1, requests=1), 2, content, version=7)
            measure(address, load_of(clients=1, requests=1), 2, content, version_label="a b")
        paths = ["/v1/models/tags/versions/7:predict", "/v1/models/tags/labels/a%20b:predict"]
        assert [path for path, _ in posts] == paths
        body = json.loads(posts[0][1])
        assert body["signature_name"] == "serving_default"
        assert str(body["inputs"]) == "{'age': [20.0, nan]}"

    def test_generated_ones_suit_the_signature(self):
        shapes = {"descriptor": (-1, 5), "age": (-1,), "gender": (-1,), "latitude": (-1,)}
        requests = RequestContent().requests(shapes, 3)
        assert {name: value.shape for name, value in requests[0].items()} == {
            "descriptor": (3, 5),
            "age": (3,),
            "gender": (3,),
            "latitude": (3,),
        }
        assert len({request["descriptor"].tobytes() for request in requests}) == len(requests)
        images = RequestContent().requests({"image": (-1,)}, 2)
        assert all(image.startswith(b"\xff\xd8") for image in images[0]["image"])

    def test_every_given_image_comes_up(self):
        images = [str(number).encode() for number in range(100)]
        requests = RequestContent(images=images).requests({"image": (-1,)}, 3)
        assert {image for request in requests for image in request["image"]} == set(images)

    @pytest.mark.parametrize(
        ("images", "shapes", "words"),
        [
            ([b"x"], {"age": (-1,)}, "takes no images, but age"),
            (None, {"steps": ()}, "takes 'steps', which a load test cannot make up"),
        ],
    )
    def test_that_do_not_suit(self, images, shapes, words):
        with pytest.raises(UserError, match=words):
            RequestContent(images=images).requests(shapes, 1)
