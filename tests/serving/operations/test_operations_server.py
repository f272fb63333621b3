"""The embedded server, started with the flags and files of the Dockerfile and the Deployment."""

import subprocess
import urllib.error
import urllib.request

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from operations_helpers import DOCKER, container, relocated, server_arguments
from serving_helpers import WAIT, photo

from serving import HashtagClient, ServerProcess
from serving.server.flags import Config
from serving.server.models.versions import State
from serving.server.serve import build
from tagkeras.cli import commandline


def status(server, path):
    """The HTTP status of a GET."""
    try:
        with urllib.request.urlopen(f"http://{server.rest_endpoint}{path}") as answer:
            return answer.status
    except urllib.error.HTTPError as error:
        return error.code


def is_healthy(server):
    command = ["bash", DOCKER / "healthcheck.sh", server.rest_endpoint.rpartition(":")[2]]
    return subprocess.run(command, capture_output=True).returncode == 0


@pytest.fixture
def server(tmp_path, hashtag_models):
    arguments = relocated(server_arguments("Deployment"), tmp_path, hashtag_models / "1")
    arguments.append("--file_system_poll_wait_seconds=1")
    config, unknown = commandline.parse_known(Config, arguments)
    assert unknown == []
    with build(config) as started:
        yield started


def probe_path(name):
    return container()[name]["httpGet"]["path"]


def test_probes_follow_the_version_that_stable_means(server, tmp_path):
    for name in ("startupProbe", "readinessProbe"):
        assert status(server, probe_path(name)) == 200
    assert is_healthy(server)

    version = tmp_path / "models" / "hashtags" / "1"
    version.rename(tmp_path / "aside")
    assert server.manager.wait_for_state("hashtags", 1, State.END, WAIT)
    assert status(server, probe_path("readinessProbe")) == 404
    assert not is_healthy(server)
    # Why no probe asks for the status: it is answered whatever it is.
    assert status(server, "/v1/models/hashtags") == 200
    # Nothing to restart the server for.
    with grpc.insecure_channel(server.endpoint) as channel:
        request = health_pb2.HealthCheckRequest()
        answer = health_pb2_grpc.HealthStub(channel).Check(request, timeout=WAIT)
    assert answer.status == health_pb2.HealthCheckResponse.SERVING

    (tmp_path / "aside").rename(version)
    assert server.manager.wait_for_state("hashtags", 1, State.AVAILABLE, WAIT)
    assert status(server, probe_path("readinessProbe")) == 200
    assert is_healthy(server)


@pytest.mark.slow
@pytest.mark.parametrize("source", ["Dockerfile", "Deployment"])
def test_a_process_with_these_flags(source, tmp_path, hashtag_models):
    arguments = relocated(server_arguments(source), tmp_path, hashtag_models / "1")
    flags = dict(argument.removeprefix("--").split("=", 1) for argument in arguments)
    with ServerProcess(**flags) as server:
        assert is_healthy(server)
        with HashtagClient(server.endpoint, "hashtags", version_label="stable") as client:
            (answer,) = client.predict([photo()])
        assert [hashtag.hashtag for hashtag in answer.hashtags] == ["sunset", "football", "soccer"]
        assert server.stop() == 0
