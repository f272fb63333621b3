"""Figures and requests against what was computed by hand."""

import numpy as np
import pytest

from serving.client.questions import Input
from serving.load_test.content import make_requests
from serving.load_test.load import Load, LoadGenerator
from serving.load_test.report import figures_ms, make_report, print_report

CLOSED = Load(clients=2, requests=5, warmup=0.0)
OPEN = Load(rate=10.0, arrivals="even", duration=1.0, warmup=0.0)
HEAD = {"server": "localhost:8500", "model": "tags", "signature": "descriptor", "api": "gRPC"}


@pytest.fixture
def generator():
    """Due at 1, 2, 3 and 4 s; answered after 1 s, refused at once, 2 s, given up after 5 s."""
    generator = LoadGenerator(CLOSED)
    generator.times.extend([1, 1, 2, 2, 2, 2, 3, 3.5, 5, 4, 4, 9, 4, 4, 4.5])
    refused = "INVALID_ARGUMENT"
    generator.statuses = ["OK", refused, "OK", "DEADLINE_EXCEEDED", refused]
    generator.details = {refused: "bad [image]", "DEADLINE_EXCEEDED": ""}
    generator.busy = 0.5
    return generator


def test_percentiles_are_measured_values():
    # Of 1 to 200 ms, 100 values are at most 100 ms, 190 at most 190, 198 at most 198, and 99.9% of
    # 200 is 199.8, so that it takes all 200.
    figures = figures_ms(np.random.default_rng(0).permutation(np.arange(1, 201)) / 1000)
    expected = {"mean": 100.5, "p50": 100, "p95": 190, "p99": 198, "p99_9": 200, "max": 200}
    assert figures == pytest.approx(expected, abs=1e-9)
    assert figures_ms(np.array([])) is None


def test_by_hand(generator):
    report = make_report(generator, CLOSED, 3)
    assert (report["requests"], report["succeeded"]) == (5, 2)
    assert report["failures"] == {"INVALID_ARGUMENT": 2, "DEADLINE_EXCEEDED": 1}
    assert report["seconds"] == 8.0
    assert (report["calls_per_second"], report["images_per_second"]) == (0.25, 0.75)
    assert report["sent_rate"] == pytest.approx(4 / 3)
    # Of 1, 2 and 5 s: a refusal has no latency.
    late = {"p95": 5000, "p99": 5000, "p99_9": 5000, "max": 5000}
    assert report["latency_ms"] == {"mean": pytest.approx(8000 / 3), "p50": 2000, **late}
    assert (report["lag_ms"], report["generator_busy"], report["warnings"]) == (None, 0.5, [])


def test_an_open_loop_that_did_not_keep_up(generator, capsys):
    generator.busy = 0.95
    report = make_report(generator, OPEN, 1)
    assert report["lag_ms"]["max"] == 500.0
    busy, late = report["warnings"]
    assert "at work 95% of the time" in busy
    assert "sent 500 ms late" in late
    print_report({**HEAD, **report})
    lines = capsys.readouterr().out.splitlines()
    assert any(line.split()[:1] == ["load"] and "open loop, 10 req" in line for line in lines)
    assert lines[-4:-2] == [
        "2 failed with INVALID_ARGUMENT: bad [image]",
        "1 failed with DEADLINE_EXCEEDED",
    ]
    assert [line.split(":")[0] for line in lines[-2:]] == ["note", "note"]


def test_every_given_image_comes_up():
    images = [str(number).encode() for number in range(100)]
    requests = make_requests({"image": Input(True, (-1,))}, [], 3, images=images)
    assert {image for request in requests for image in request["image"]} == set(images)
