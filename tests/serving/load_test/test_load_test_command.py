"""The command, against the embedded server."""

import json
import sys

import grpc
import pytest
from PIL import Image
from serving_helpers import photo, run_command

from serving.load_test.__main__ import Config, main
from tagkeras.cli.errors import UserError


@pytest.fixture
def addresses(tags_server, tags_url):
    """Addresses of the embedded server by API."""
    return {"gRPC": tags_server.endpoint, "REST": tags_url}


@pytest.fixture
def measure(addresses, capsys):
    """Runs the command; its report and what it says on standard error."""

    def run(api="gRPC", **flags):
        main(Config(server=addresses[api], model_name="tags", json=True, **flags))
        written = capsys.readouterr()
        return json.loads(written.out), written.err

    return run


@pytest.mark.parametrize("api", ["gRPC", "REST"])
@pytest.mark.parametrize("signature", ["serving_default", "descriptor"])
def test_generated_requests_are_answered(measure, api, signature):
    report, _ = measure(api, signature=signature, clients=3, requests=12, batch=2)
    assert (report["requests"], report["succeeded"], report["failures"]) == (12, 12, {})
    assert report["images_per_second"] == pytest.approx(2 * report["calls_per_second"])
    figures = [report["latency_ms"][name] for name in ("p50", "p95", "p99", "p99_9", "max")]
    assert figures[0] > 0
    assert figures == sorted(figures)


@pytest.mark.parametrize("api", ["gRPC", "REST"])
def test_open_loop_of_images_and_users(measure, api, tmp_path):
    (tmp_path / "grey.png").write_bytes(photo())
    (tmp_path / "junk.png").write_bytes(b"no image")
    (tmp_path / "users.jsonl").write_text('{"age": 30}\n{"country": "GB"}\n')
    report, _ = measure(
        api,
        rate=100.0,
        arrivals="even",
        requests=20,
        warmup=0.0,
        image=(str(tmp_path / "grey.png"), str(tmp_path / "junk.png")),
        users=str(tmp_path / "users.jsonl"),
        label="old",
    )
    code = {"gRPC": "INVALID_ARGUMENT", "REST": "HTTP 400"}[api]
    assert (report["requests"], report["failures"]) == (20, {code: 10})
    assert report["asked_rate"] == 100.0


def test_writes_report_and_plot(measure, tmp_path):
    folder = tmp_path / "new" / "out"
    report, _ = measure(requests=10, output=str(folder))
    names = ["latency.png", "latency.svg", "report.json"]
    assert sorted(path.name for path in folder.iterdir()) == names
    assert json.loads((folder / "report.json").read_text()) == report
    with Image.open(folder / "latency.png") as plot:
        assert plot.size[0] > 500
    assert "<svg" in (folder / "latency.svg").read_text()


def test_without_matplotlib_the_extra_is_named(measure, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    _, said = measure(requests=2, output=str(tmp_path))
    assert said == "no plot of latencies: pip install 'tagkeras[report]'\n"
    assert [path.name for path in tmp_path.iterdir()] == ["report.json"]


def test_if_all_fail_the_report_is_still_printed(fake, capsys):
    fake.failures = [grpc.StatusCode.INTERNAL] * 3
    with pytest.raises(UserError, match="every request failed; the first with INTERNAL: a mom"):
        main(Config(server=fake.endpoint, requests=3, json=True))
    assert json.loads(capsys.readouterr().out)["failures"] == {"INTERNAL": 3}


def test_a_time_without_a_request(measure):
    with pytest.raises(UserError, match="no request was due after the warm-up; give a longer"):
        measure(rate=10.0, arrivals="even", warmup=0.01, duration=0.05)


@pytest.mark.parametrize("api", ["gRPC", "REST"])
@pytest.mark.parametrize(
    ("flags", "words"),
    [
        ({"version": 9}, "serves no model 'tags' with version 9"),
        ({"signature": "x"}, "has no signature 'x'; it has classify, descriptor, "),
        ({"signature": "slow"}, "takes 'steps', which a load test cannot make up"),
        ({"signature": "descriptor", "image": (__file__,)}, "takes no images, but age, "),
    ],
)
def test_what_the_model_does_not_have(measure, api, flags, words):
    with pytest.raises(UserError, match=words) as caught:
        measure(api, **flags)
    assert "\n" not in str(caught.value)


@pytest.mark.slow
def test_as_a_process(addresses):
    flags = ["--model_name=tags", "--requests=20", "--clients=4", "--json"]
    done = run_command("serving.load_test", f"--server={addresses['gRPC']}", *flags)
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout)["succeeded"] == 20

    failed = run_command("serving.load_test", "--server=localhost:1", "--timeout=5")
    assert (failed.returncode, failed.stdout) == (1, "")
    (line,) = failed.stderr.splitlines()
    assert line.startswith("python -m serving.load_test: no server answers at localhost:1")
