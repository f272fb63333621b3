"""Dockerfile, Compose file and Kubernetes objects, checked by linters and published schemas."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import check_jsonschema
import jsonschema
import kubernetes_validate
import pytest
import yaml
from operations_helpers import DOCKER, KUBERNETES, manifests

SCHEMAS = Path(check_jsonschema.__file__).parent / "builtin_schemas" / "vendor"
OLD, NEWEST = "1.30", kubernetes_validate.latest_version()
FILES = [*sorted((KUBERNETES / "base").glob("*.yaml")), KUBERNETES / "model-writer.yaml"]
OBJECTS = [
    pytest.param(document, id=f"{path.stem}-{document['kind']}-{document['metadata']['name']}")
    for path in FILES
    if path.name != "kustomization.yaml"
    for document in manifests(path)
]


def test_the_dockerfile_has_no_complaints():
    program = Path(sys.executable).with_name("hadolint")
    command = [program, "--format=json", DOCKER / "Dockerfile"]
    run = subprocess.run(command, capture_output=True, text=True)
    assert (run.returncode, json.loads(run.stdout)) == (0, [])


def test_the_compose_file():
    schema = json.loads((SCHEMAS / "compose-spec.json").read_text())
    jsonschema.validate(yaml.safe_load((DOCKER / "compose.yaml").read_text()), schema)


@pytest.mark.parametrize("document", OBJECTS)
@pytest.mark.parametrize("version", [OLD, NEWEST])
def test_kubernetes_objects(document, version):
    kubernetes_validate.validate(document, version, strict=True)


@pytest.mark.skipif(shutil.which("kubectl") is None, reason="no kubectl to build the overlays")
@pytest.mark.parametrize("folder", ["base", "overlays/mtls", "overlays/gpu"])
def test_what_kubectl_makes_of_them(folder):
    command = ["kubectl", "kustomize", KUBERNETES / folder]
    run = subprocess.run(command, capture_output=True, text=True, check=True)
    documents = list(yaml.safe_load_all(run.stdout))
    for document in documents:
        kubernetes_validate.validate(document, NEWEST, strict=True)
    assert {"ConfigMap", "Deployment", "NetworkPolicy", "Service"} <= {d["kind"] for d in documents}
