"""The command, against the embedded server."""

import json
import socket
import subprocess
import sys

import grpc
import pytest
from load_helpers import fake_grpc_server, fake_http_server, write
from PIL import Image
from serving_helpers import photo

from serving.load_test import output
from serving.load_test.__main__ import Config, main
from serving.load_test.report import Report
from serving.server.rest_api.rest_server import RestServer
from tagkeras.cli.errors import UserError


@pytest.fixture(scope="module")
def tags_address(tags_server):
    """Addresses of the embedded server by API."""
    rest = RestServer(tags_server.manager, host="localhost")
    rest.start()
    yield {"gRPC": tags_server.endpoint, "REST": f"http://localhost:{rest.port}"}
    rest.stop(grace=0)


@pytest.fixture
def measure(tags_address, capsys):
    """Runs the command; its report and what it says on standard error."""

    def run(api="gRPC", **flags):
        main(Config(server=tags_address[api], model_name="tags", json=True, **flags))
        written = capsys.readouterr()
        return Report.from_json(written.out), written.err

    return run


@pytest.mark.parametrize("api", ["gRPC", "REST"])
@pytest.mark.parametrize("signature", ["serving_default", "descriptor", "user_embedding"])
def test_generated_requests_are_answered(measure, api, signature):
    report, _ = measure(api, signature=signature, clients=3, requests=12, batch=2)
    assert (report.requests, report.succeeded, report.failures) == (12, 12, {})
    assert report.images_per_second == pytest.approx(2 * report.calls_per_second)
    latency = report.latency_ms
    assert 0 < latency.p50 <= latency.p95 <= latency.p99 <= latency.p99_9 <= latency.max


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
        version_label="old",
    )
    code = {"gRPC": "INVALID_ARGUMENT", "REST": "HTTP 400"}[api]
    assert (report.requests, report.failures) == (20, {code: 10})
    assert report.asked_rate == 100.0


def test_writes_report_and_plot(measure, tmp_path):
    folder = tmp_path / "new" / "out"
    report, _ = measure(requests=10, output=str(folder))
    assert sorted(path.name for path in folder.iterdir()) == [
        "latency.png",
        "latency.svg",
        "report.json",
    ]
    assert Report.from_json((folder / "report.json").read_text()) == report
    with Image.open(folder / "latency.png") as plot:
        assert plot.size[0] > 500
    assert "<svg" in (folder / "latency.svg").read_text()


def test_without_matplotlib_the_extra_is_named(measure, tmp_path, monkeypatch):
    for name in ("serving.load_test.plot", "tagkeras.report"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    _, said = measure(requests=2, output=str(tmp_path))
    assert "no plot of latencies: reports need " in said
    assert "'.[report]'" in said
    assert [path.name for path in tmp_path.iterdir()] == ["report.json"]


def test_a_table_for_people(tags_address, capsys):
    main(Config(server=tags_address["gRPC"], model_name="tags", rate=50.0, requests=10))
    lines = dict(line.split("  ", 1) for line in capsys.readouterr().out.splitlines())
    assert lines["load"].strip() == "open loop, 50 requests/s, poisson arrivals, 1 a request"
    assert lines["answered"].strip() == "10"
    assert [part.split()[0] for part in lines["latency, ms"].split(",")] == [
        "mean",
        "p50",
        "p95",
        "p99",
        "p99.9",
        "max",
    ]


def test_failures_and_warnings_are_shown(measure, capsys):
    report, _ = measure(requests=2)
    failed = Report(
        **{
            **{name: getattr(report, name) for name in report.__dataclass_fields__},
            "failures": {"UNAVAILABLE": 1234},
            "details": {"UNAVAILABLE": "queue [full]"},
            "generator_busy": 0.99,
        }
    )
    output.print_report(failed)
    *_, failure, note = capsys.readouterr().out.splitlines()
    assert failure == "1,234 failed with UNAVAILABLE: queue [full]"
    assert note.startswith("note: the load generator was at work 99% of the time")


def test_if_all_fail_the_report_is_still_printed(capsys):
    with fake_grpc_server(lambda _: grpc.StatusCode.INTERNAL) as (address, _):
        with pytest.raises(UserError, match="every request failed; the first with INTERNAL: no"):
            main(Config(server=address, requests=3, json=True))
    assert json.loads(capsys.readouterr().out)["failures"] == {"INTERNAL": 3}


def test_a_time_without_a_request(tags_address):
    with pytest.raises(UserError, match="no request was due after the warm-up; give a longer"):
        main(
            Config(
                server=tags_address["gRPC"],
                model_name="tags",
                rate=10.0,
                arrivals="even",
                warmup=0.01,
                duration=0.05,
            )
        )


@pytest.mark.parametrize("api", ["gRPC", "REST"])
@pytest.mark.parametrize(
    ("flags", "words"),
    [
        ({"model_name": "cats"}, "does not describe model 'cats': "),
        ({"version": 9}, "does not describe model 'tags': "),
        ({"version_label": "x"}, "does not describe model 'tags': "),
        ({"signature": "x"}, "has no signature 'x'; it has classify, descriptor, "),
        ({"signature": "slow"}, "takes 'steps', which a load test cannot make up"),
        ({"signature": "classify"}, "takes 'inputs', which a load test cannot make up"),
        ({"signature": "descriptor", "image": (__file__,)}, "takes no images, but age, "),
    ],
)
def test_what_the_model_does_not_have(tags_address, api, flags, words):
    with pytest.raises(UserError, match=words) as caught:
        main(Config(**{"server": tags_address[api], "model_name": "tags", **flags}))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        ({"clients": 1, "rate": 1.0}, "give one of them"),
        ({"duration": 1.0, "requests": 1}, "not both"),
        ({"version": 1, "version_label": "old"}, "not for both"),
        ({"tls_cert": __file__}, "certificate and its key go together"),
        ({"tls_ca": "absent.pem"}, "cannot read the TLS file absent.pem: No such file"),
        ({"server": "https://x", "tls_ca": __file__}, "are not PEM or do not match: "),
        ({"server": "localhost"}, "address 'localhost' has no port; give host:port"),
        ({"server": "localhost:85x"}, "has the port '85x', which is no number from 1 to 65535"),
        ({"server": "http://x", "tls": True}, "go with https://host:port, not with http"),
        ({"server": "ftp://x"}, "--server=ftp://x is no address"),
        ({"server": "http://x:port"}, "--server=http://x:port is no address"),
        ({"image": ("absent.png",)}, "cannot read the image absent.png: No such file"),
        ({"users": "absent.jsonl"}, "cannot read the users"),
    ],
)
def test_mistakes_in_flags(flags, words):
    with pytest.raises(UserError, match=words):
        main(Config(**flags))


@pytest.mark.parametrize("scheme", ["", "http://"])
def test_no_server(scheme):
    with socket.create_server(("localhost", 0)) as taken:
        port = taken.getsockname()[1]
    with pytest.raises(UserError, match=rf"no .* server answers at {scheme}localhost:{port}; is"):
        main(Config(server=f"{scheme}localhost:{port}", timeout=5.0))


def test_the_port_of_the_other_api(tags_address):
    with pytest.raises(UserError, match=r"\(the answer is no HTTP; is it the port of the gRPC API"):
        main(Config(server=f"http://{tags_address['gRPC']}", model_name="tags"))


def test_a_server_that_is_no_rest_api():
    with fake_http_server(lambda handler, _: write(handler, 200, b""), b"[]") as (address, _):
        with pytest.raises(UserError, match="does not answer as a REST API of TensorFlow Serving"):
            main(Config(server=address))


@pytest.mark.slow
def test_as_a_process(tags_address):
    command = [sys.executable, "-m", "serving.load_test", "--model_name=tags", "--requests=20"]

    def run(*flags):
        return subprocess.run([*command, *flags], capture_output=True, text=True, check=False)

    done = run(f"--server={tags_address['gRPC']}", "--clients=4", "--json")
    assert done.returncode == 0, done.stderr
    assert Report.from_json(done.stdout).succeeded == 20

    failed = run("--server=localhost:1", "--timeout=5")
    assert failed.returncode == 1
    assert failed.stdout == ""
    (line,) = failed.stderr.splitlines()
    assert line.startswith("python -m serving.load_test: no gRPC server answers at localhost:1")

    refused = run("--clients=0")
    assert refused.returncode == 2
    assert "--clients" in refused.stderr
