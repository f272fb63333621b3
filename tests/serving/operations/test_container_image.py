"""The Dockerfile, its health check and the Compose file."""

import json
import re
import subprocess
import sys
from pathlib import Path

import check_jsonschema
import jsonschema
import pytest
import yaml
from operations_helpers import (
    COMPOSE,
    CONFIG,
    DOCKER,
    DOCKERFILE,
    KUBERNETES,
    ROOT,
    base,
    container,
    dockerfile_instruction,
    memory_needed,
    parse,
    server_arguments,
)

SCHEMAS = Path(check_jsonschema.__file__).parent / "builtin_schemas" / "vendor"


def hadolint(path):
    program = Path(sys.executable).with_name("hadolint")
    return subprocess.run([program, "--format=json", path], capture_output=True, text=True)


def check_compose(content):
    jsonschema.validate(content, json.loads((SCHEMAS / "compose-spec.json").read_text()))


def test_the_dockerfile_has_no_complaints():
    run = hadolint(DOCKERFILE)
    assert (run.returncode, json.loads(run.stdout)) == (0, [])


def test_a_bad_dockerfile_has_complaints(tmp_path):
    (tmp_path / "Dockerfile").write_text(
        DOCKERFILE.read_text().replace(":2.21.0 AS", " AS").replace("EXPOSE", "RUN cd /tmp && sudo")
    )
    run = hadolint(tmp_path / "Dockerfile")
    assert run.returncode == 1
    assert {entry["code"] for entry in json.loads(run.stdout)} >= {"DL3006", "DL3004"}


def test_one_version_of_the_image_everywhere():
    (pinned,) = re.findall(
        r"^tensorflow-serving-api==(\S+)$", (ROOT / "constraints.txt").read_text(), re.MULTILINE
    )
    (built_on,) = re.findall(
        r"^FROM tensorflow/serving:(\S+)", DOCKERFILE.read_text(), re.MULTILINE
    )
    gpu = yaml.safe_load((KUBERNETES / "overlays" / "gpu" / "kustomization.yaml").read_text())
    assert built_on == pinned
    assert container()["image"] == f"tensorflow/serving:{pinned}"
    assert gpu["images"] == [{"name": "tensorflow/serving", "newTag": f"{pinned}-gpu"}]
    assert f"Its tag, {pinned}, is the version" in (ROOT / "docs" / "operations.md").read_text()


def test_what_is_copied_is_there_and_not_ignored():
    text = DOCKERFILE.read_text()
    ignored = (DOCKER / "Dockerfile.dockerignore").read_text().splitlines()
    sources = [
        source
        for line in re.findall(r"^COPY (?:--\S+ )*(.*) \S+$", text, re.MULTILINE)
        for source in line.split()
        if "$" not in source
    ]
    assert len(sources) == 4
    for source in sources:
        assert (ROOT / source).is_file(), source
        assert any(source.startswith(line.removeprefix("!")) for line in ignored if line[0] == "!")
    (models,) = re.findall(r"^ARG MODELS=(.*)$", text, re.MULTILINE)
    assert f"!{models}" in ignored
    assert "*" in ignored


def test_it_runs_as_nobody_in_particular_and_gets_signals():
    text = DOCKERFILE.read_text()
    (user,) = re.findall(r"^USER (\d+):\d+$", text, re.MULTILINE)
    assert int(user) > 0
    assert dockerfile_instruction("ENTRYPOINT")[0] == "tensorflow_model_server"  # not by a shell
    assert COMPOSE["services"]["server"]["init"] is True


def test_the_health_check_is_where_it_is_called():
    (called,) = dockerfile_instruction("HEALTHCHECK")
    assert re.search(rf"^COPY .*healthcheck\.sh {called}$", DOCKERFILE.read_text(), re.MULTILINE)


def test_the_health_check_asks_what_the_readiness_probe_asks():
    script = (DOCKER / "healthcheck.sh").read_text()
    probe = container()["readinessProbe"]["httpGet"]
    assert f"path=${{2:-{probe['path']}}}" in script
    assert "port=${1:-8501}" in script


def test_compose_file():
    check_compose(COMPOSE)


def test_nothing_is_published_to_other_machines():
    for service in COMPOSE["services"].values():
        for port in service["ports"]:
            assert port.startswith("127.0.0.1:")


def test_memory_for_as_many_of_the_largest_images_as_there_are_threads():
    server = COMPOSE["services"]["server"]
    config, unknown = parse([*server_arguments("Dockerfile"), *server["command"]])
    assert unknown == []
    assert server["mem_limit"] == "4g"
    assert memory_needed(config) < 4 * 2**30
    assert container()["resources"]["limits"]["memory"] == "4Gi"
    assert memory_needed(parse(server_arguments("Deployment"))[0]) < 4 * 2**30


def test_a_bad_compose_file_is_refused():
    bad = json.loads(json.dumps(COMPOSE))
    bad["services"]["server"]["memory_limit"] = "2g"
    with pytest.raises(jsonschema.ValidationError, match="'memory_limit' was unexpected"):
        check_compose(bad)


def test_what_compose_builds_and_mounts_is_there():
    server, prometheus = COMPOSE["services"]["server"], COMPOSE["services"]["prometheus"]
    context = (DOCKER / server["build"]["context"]).resolve()
    assert context == ROOT
    assert context / server["build"]["dockerfile"] == DOCKERFILE
    assert f" AS {server['build']['target']}\n" in DOCKERFILE.read_text()
    for service in (server, prometheus):
        (config,) = [volume for volume in service["volumes"] if volume.startswith("../config")]
        source, target, mode = config.split(":")
        assert (DOCKER / source).resolve() == CONFIG
        assert mode == "ro"
    assert prometheus["command"][0] == f"--config.file={target}/prometheus.yml"
    # Named in the Dockerfile, too.
    assert parse(server_arguments("Dockerfile"))[0].model_config_file == "/config/models.config"


def test_ports_agree():
    config, _ = parse(server_arguments("Dockerfile"))
    ports = {"grpc": config.port, "rest": config.rest_api_port}
    assert ports == {"grpc": 8500, "rest": 8501}
    deployed, _ = parse(server_arguments("Deployment"))
    assert (deployed.port, deployed.rest_api_port) == (config.port, config.rest_api_port)
    (exposed,) = re.findall(r"^EXPOSE (.*)$", DOCKERFILE.read_text(), re.MULTILINE)
    assert sorted(map(int, exposed.split())) == sorted(ports.values())
    published = COMPOSE["services"]["server"]["ports"]
    assert sorted(published) == sorted(f"127.0.0.1:{port}:{port}" for port in ports.values())
    assert {port["name"]: port["containerPort"] for port in container()["ports"]} == ports
    for name in ("hashtags", "hashtags-grpc"):
        for port in base("Service", name)["spec"]["ports"]:
            assert port["targetPort"] == port["name"]
            assert port["port"] == ports[port["name"]]
    assert container()["livenessProbe"]["grpc"]["port"] == ports["grpc"]
