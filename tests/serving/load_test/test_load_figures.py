"""Figures against numbers computed by hand."""

import itertools

import numpy as np
import pytest

from serving.load_test.arrivals import arrivals
from serving.load_test.latencies import Latencies
from serving.load_test.load import Load
from serving.load_test.report import Report
from serving.load_test.samples import Samples
from serving.load_test.target import OK, Endpoint, Outcome
from tagkeras.cli.errors import UserError

ENDPOINT = Endpoint("localhost:8500", "tags")
CLOSED = Load(clients=2, rate=None, arrivals="poisson", duration=None, requests=4, warmup=0)
OPEN = Load(clients=None, rate=10.0, arrivals="even", duration=1.0, requests=None, warmup=0)


class TestLatencies:
    def test_percentiles_are_measured_values(self):
        # Of 1 to 200 ms, 100 values are at most 100 ms, 190 at most 190, 198 at most 198, and
        # 99.9% of 200 is 199.8, so that it takes all 200.
        seconds = np.random.default_rng(0).permutation(np.arange(1, 201)) / 1000
        latencies = Latencies.of_seconds(seconds)
        assert latencies is not None
        assert latencies.mean == pytest.approx(100.5)
        found = (latencies.p50, latencies.p95, latencies.p99, latencies.p99_9, latencies.max)
        assert found == pytest.approx((100, 190, 198, 200, 200), abs=1e-9)

    def test_of_three(self):
        latencies = Latencies.of_seconds(np.array([0.004, 0.001, 0.002]))
        assert latencies == Latencies(
            mean=pytest.approx(7 / 3), p50=2.0, p95=4.0, p99=4.0, p99_9=4.0, max=4.0
        )

    def test_of_none(self):
        assert Latencies.of_seconds(np.array([])) is None


class TestArrivals:
    def test_even(self):
        assert list(itertools.islice(arrivals("even", 4.0), 5)) == [0, 0.25, 0.5, 0.75, 1.0]

    def test_poisson_gaps_are_exponential_and_stay_the_same(self):
        due = np.array(list(itertools.islice(arrivals("poisson", 50.0), 20_000)))
        gaps = np.diff(due, prepend=0.0)
        assert (gaps > 0).all()
        # The mean and the standard deviation of the exponential distribution are both 1/rate.
        assert gaps.mean() == pytest.approx(0.02, rel=0.03)
        assert gaps.std() == pytest.approx(0.02, rel=0.03)
        again = list(itertools.islice(arrivals("poisson", 50.0), 20_000))
        assert due.tolist() == again


class TestLoad:
    def test_of_requests(self):
        load = Load.of_flags(
            clients=3, rate=None, arrivals="even", duration=None, requests=20, warmup=None
        )
        assert load.warmup == 2
        numbers = range(25)
        assert [n for n in numbers if not load.is_over(n, 1e9)] == list(range(22))
        assert [n for n in numbers if load.is_measured(n, 0)] == list(range(2, 25))

    def test_of_seconds(self):
        load = Load.of_flags(
            clients=None, rate=5.0, arrivals="even", duration=4.0, requests=None, warmup=1.0
        )
        assert not load.is_over(10**9, 4.999)
        assert load.is_over(0, 5.0)
        assert not load.is_measured(10**9, 0.999)
        assert load.is_measured(0, 1.0)

    def test_defaults(self):
        nothing = {"clients": None, "rate": None, "duration": None, "requests": None}
        load = Load.of_flags(**nothing, arrivals="poisson", warmup=None)
        assert (load.clients, load.duration, load.warmup) == (1, 10.0, 1.0)

    @pytest.mark.parametrize(
        ("flags", "words"),
        [
            ({"clients": 1, "rate": 2.0}, "give one of them"),
            ({"duration": 1.0, "requests": 2}, "--duration or --requests, not both"),
            ({"requests": 5, "warmup": 0.5}, "--warmup=0.5 of --requests must be a whole number"),
        ],
    )
    def test_mistakes(self, flags, words):
        nothing = {"clients": None, "rate": None, "duration": None, "requests": None}
        with pytest.raises(UserError, match=words):
            Load.of_flags(**{**nothing, "arrivals": "even", "warmup": None, **flags})


class TestReport:
    @pytest.fixture
    def samples(self):
        """Due at 1, 2, 3 and 4 s; answered after 1 s, refused at once, 2 s, given up after 5 s."""
        samples = Samples()
        samples.add(1.0, 1.0, 2.0, OK)
        samples.add(2.0, 2.0, 2.0, Outcome("INVALID_ARGUMENT", "bad image"))
        samples.add(3.0, 3.5, 5.0, OK)
        samples.add(4.0, 4.0, 9.0, Outcome("DEADLINE_EXCEEDED", "late"))
        samples.add(4.0, 4.0, 4.5, Outcome("INVALID_ARGUMENT", "bad again"))
        return samples

    def test_by_hand(self, samples):
        report = Report.of_samples(samples, ENDPOINT, CLOSED, 3, 0.5)
        assert report.api == "gRPC"
        assert (report.requests, report.succeeded) == (5, 2)
        assert report.failures == {"INVALID_ARGUMENT": 2, "DEADLINE_EXCEEDED": 1}
        assert report.details == {"INVALID_ARGUMENT": "bad image", "DEADLINE_EXCEEDED": "late"}
        assert report.seconds == 8.0
        assert (report.calls_per_second, report.images_per_second) == (0.25, 0.75)
        assert report.sent_rate == pytest.approx(4 / 3)
        # Of 1, 2 and 5 s: a refusal has no latency.
        assert report.latency_ms == Latencies(
            mean=pytest.approx(8000 / 3), p50=2000, p95=5000, p99=5000, p99_9=5000, max=5000
        )
        assert report.lag_ms is None
        assert report.warnings == []

    def test_open_loop_has_lag(self, samples):
        report = Report.of_samples(samples, ENDPOINT, OPEN, 1, 0.5)
        assert report.lag_ms is not None
        assert report.lag_ms.max == 500.0
        assert ["sent 500 ms late" in warning for warning in report.warnings] == [True]

    def test_says_when_the_generator_was_too_slow(self):
        samples = Samples()
        for number in range(30):  # 10 a second are asked for, 5 are sent
            samples.add(number / 5, number / 5, number / 5 + 0.1, OK)
        report = Report.of_samples(samples, ENDPOINT, OPEN, 1, 0.95)
        busy, rate = report.warnings
        assert "at work 95% of the time" in busy
        assert "it sent 5.0 requests a second of 10" in rate

    def test_of_no_request(self):
        report = Report.of_samples(Samples(), ENDPOINT, CLOSED, 1, 0.0)
        assert (report.requests, report.calls_per_second, report.latency_ms) == (0, 0.0, None)

    @pytest.mark.parametrize("load", [CLOSED, OPEN])
    def test_json_and_back(self, samples, load):
        report = Report.of_samples(samples, ENDPOINT, load, 3, 0.5)
        assert Report.from_json(report.to_json()) == report
