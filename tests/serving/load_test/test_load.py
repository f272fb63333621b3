"""Loops, failures and stalls, against servers that answer as they are told to."""

import itertools
import json
import threading

import grpc
import numpy as np
import pytest
from fake_servers import METADATA, grpc_credentials, grpc_server

from serving.load_test.__main__ import Config, measure
from serving.load_test.load import Load
from tagkeras.cli.errors import UserError


def run(server, **flags):
    """The report of a load test, and when each request was due, sent and done, by due time."""
    flags = {"arrivals": "even", "warmup": 0.0, **flags}
    report, generator = measure(Config(server=server, model_name="m", **flags))
    times = np.array(generator.times).reshape(-1, 3)
    return report, times[np.argsort(times[:, 0])]


class TestLoad:
    def test_of_requests(self):
        """The warm-up is a tenth by default."""
        load = Load(requests=20)
        assert [n for n in range(99) if not load.is_over(n, 1e9)] == list(range(22))
        assert [n for n in range(22) if load.is_measured(n, 0)] == list(range(2, 22))

    def test_of_seconds(self):
        load = Load(rate=5.0, duration=4.0, warmup=1.0)
        assert not load.is_over(10**9, 4.999)
        assert load.is_over(0, 5.0)
        assert not load.is_measured(10**9, 0.999)
        assert load.is_measured(0, 1.0)

    def test_even_arrivals(self):
        due = Load(rate=4.0, arrivals="even").due_times()
        assert list(itertools.islice(due, 5)) == [0, 0.25, 0.5, 0.75, 1.0]

    def test_poisson_gaps_are_exponential_and_stay_the_same(self):
        due, again = (
            np.fromiter(itertools.islice(Load(rate=50.0).due_times(), 20_000), float)
            for _ in range(2)
        )
        gaps = np.diff(due, prepend=0.0)
        assert (gaps > 0).all()
        # The mean and the standard deviation of the exponential distribution are both 1/rate.
        assert gaps.mean() == pytest.approx(0.02, rel=0.03)
        assert gaps.std() == pytest.approx(0.02, rel=0.03)
        np.testing.assert_array_equal(due, again)


class TestClosedLoop:
    def test_sends_as_many_requests_as_asked(self, fake):
        report, times = run(fake.endpoint, clients=7, requests=50, warmup=13.0)
        assert len(fake.requests) == 63
        assert (report["requests"], report["succeeded"], len(times)) == (50, 50, 50)
        assert report["failures"] == {}
        assert len(fake.peers) >= 7  # connections: more where a name has several addresses

    def test_has_each_client_wait_for_its_answer(self, fake):
        together, under_way, most = threading.Barrier(3, timeout=30), set(), []

        def answer(number):
            under_way.add(number)
            most.append(len(under_way))
            together.wait()
            under_way.remove(number)

        fake.on_call = answer
        report, _ = run(fake.endpoint, clients=3, requests=30)
        assert (report["succeeded"], max(most)) == (30, 3)

    def test_rest_keeps_its_connections(self, fake_rest):
        report, _ = run(fake_rest.url, clients=4, requests=40, warmup=10.0)
        assert len(fake_rest.bodies) == 50
        assert (report["api"], report["requests"], report["succeeded"]) == ("REST", 40, 40)
        assert len(fake_rest.connections) <= 5  # one of them for the metadata


class TestOpenLoop:
    @pytest.mark.parametrize("kind", ["even", "poisson"])
    def test_sends_what_is_due(self, fake, kind):
        report, times = run(fake.endpoint, rate=200.0, arrivals=kind, requests=40, warmup=10.0)
        assert len(fake.requests) == 50
        assert (report["requests"], report["arrivals"]) == (40, kind)
        assert (times[:, 1] >= times[:, 0]).all()
        if kind == "even":
            np.testing.assert_allclose(times[:, 0], np.arange(10, 50) / 200)

    def test_a_stall_shows_in_all_requests_that_were_due_meanwhile(self, fake):
        """Nobody is answered from request 20 on until request 50 has come."""
        all_came = threading.Event()

        def stall(number):
            if number == 50:
                all_came.set()
            if number >= 20:
                assert all_came.wait(30)

        fake.on_call = stall
        report, times = run(fake.endpoint, rate=100.0, requests=80)
        # Request 50 is due 300 ms after request 20, 290 ms after request 21, and so on.
        assert (times[20:50, 2] - times[20:50, 0] >= np.arange(30, 0, -1) / 100).all()
        assert report["latency_ms"]["max"] >= 300
        assert report["latency_ms"]["p95"] >= 260  # of 80, 4 are above it; 20 to 24 take as long


class TestFailures:
    def test_grpc_statuses_are_counted(self, fake):
        exhausted, unavailable = grpc.StatusCode.RESOURCE_EXHAUSTED, grpc.StatusCode.UNAVAILABLE
        codes = itertools.cycle([None, exhausted, None, unavailable, exhausted])
        fake.on_call = lambda _: next(codes)
        report, _ = run(fake.endpoint, clients=1, requests=20)
        assert len(fake.requests) == 20  # none is repeated
        assert report["succeeded"] == 8
        assert report["failures"] == {"RESOURCE_EXHAUSTED": 8, "UNAVAILABLE": 4}
        assert report["details"]["RESOURCE_EXHAUSTED"] == "a moment please"

    def test_http_statuses_are_counted(self, fake_rest):
        bad = [(404, b'{"error": "no such\\nmodel"}'), (500, b"not JSON")]
        metadata = (200, json.dumps(METADATA).encode())
        fake_rest.replies = [metadata, *bad, *bad, *bad]
        report, _ = run(fake_rest.url, clients=1, requests=9)
        assert report["succeeded"] == 3
        assert report["failures"] == {"HTTP 404": 3, "HTTP 500": 3}
        assert report["details"] == {"HTTP 404": "no such", "HTTP 500": "not JSON"}

    def test_http_that_breaks_or_is_silent(self, fake_rest):
        metadata = (200, json.dumps(METADATA).encode())
        fake_rest.replies = [metadata, "stall", b"nonsense\r\n\r\n", "drop"]
        report, _ = run(fake_rest.url, clients=1, requests=4, timeout=0.5)
        assert report["failures"] == {"UNAVAILABLE": 2, "DEADLINE_EXCEEDED": 1}
        assert report["succeeded"] == 1
        assert report["latency_ms"]["max"] >= 490  # a deadline is a latency


class TestTls:
    def test_grpc(self, authority, tls_files):
        flags = {"ca": "ca", "cert": "certificate", "key": "key"}
        tls = {f"tls_{flag}": str(getattr(tls_files, name)) for flag, name in flags.items()}
        with grpc_server(grpc_credentials(authority, ask=True)) as server:
            report, _ = run(server.endpoint, clients=2, requests=4, **tls)
            assert report["succeeded"] == 4
            with pytest.raises(UserError, match="no server answers at localhost"):
                run(server.endpoint, clients=1, requests=1, timeout=5.0)


@pytest.fixture
def users(tmp_path):
    path = tmp_path / "users.jsonl"
    path.write_text('{"age": 20}\n{}\n{"age": 40}\n')
    return str(path)


def test_grpc_requests_are_of_the_batch_and_the_version(fake, users):
    run(fake.endpoint, clients=1, requests=3, batch=2, users=users, version=7)
    first, second, third = fake.requests
    ages = [np.frombuffer(r.inputs["age"].tensor_content, np.float32) for r in (first, second)]
    np.testing.assert_equal(np.concatenate(ages), np.float32([20, np.nan, 40, 20]))
    spec = third.model_spec
    assert (spec.name, spec.signature_name, spec.version.value) == ("m", "serving_default", 7)


def test_rest_requests_are_of_the_batch_and_the_version(fake_rest, users):
    for choice in ({"version": 7}, {"label": "a b"}):
        run(fake_rest.url, clients=1, requests=1, batch=2, users=users, **choice)
    paths = ["/v1/models/m/versions/7:predict", "/v1/models/m/labels/a%20b:predict"]
    assert fake_rest.requests[1::2] == [f"POST {path}" for path in paths]
    body = json.loads(fake_rest.bodies[0])
    assert body["signature_name"] == "serving_default"
    assert str(body["inputs"]) == "{'age': [20.0, nan]}"
