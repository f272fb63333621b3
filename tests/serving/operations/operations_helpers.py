"""The files of serving/docker, serving/kubernetes and serving/config, read for the tests."""

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml
from absl import flags
from serving_helpers import free_port

from serving.releases import config_file
from serving.releases.release import Release
from serving.server.flags import Config
from tagkeras.cli import option_flags

ROOT = Path(__file__).parents[3]
SERVING = ROOT / "serving"
CONFIG = SERVING / "config"
DOCKER = SERVING / "docker"
KUBERNETES = SERVING / "kubernetes"
DOCKERFILE = DOCKER / "Dockerfile"
COMPOSE = yaml.safe_load((DOCKER / "compose.yaml").read_text())


def manifests(path):
    """The Kubernetes objects in a file."""
    return [document for document in yaml.safe_load_all(path.read_text()) if document]


def base(kind, name="hashtags"):
    """The object of the base of this kind and name."""
    (found,) = [
        document
        for path in sorted((KUBERNETES / "base").glob("*.yaml"))
        for document in manifests(path)
        if document["kind"] == kind and document.get("metadata", {}).get("name") == name
    ]
    return found


def pod():
    return base("Deployment")["spec"]["template"]["spec"]


def container():
    (only,) = pod()["containers"]
    return only


def kustomized(folder):
    """The objects that kubectl makes of a folder; skips the test where there is no kubectl."""
    if shutil.which("kubectl") is None:
        pytest.skip("kubectl is not installed: `kubectl kustomize` checks the overlays")
    run = subprocess.run(
        ["kubectl", "kustomize", folder], capture_output=True, text=True, check=True
    )
    return list(yaml.safe_load_all(run.stdout))


def dockerfile_instruction(name):
    """The JSON array behind an instruction of the Dockerfile."""
    text = re.sub(r"\\\n", " ", DOCKERFILE.read_text())
    (found,) = re.findall(rf"^\s*{name} .*?(\[.*\])$", text, re.MULTILINE)
    return json.loads(found)


def server_arguments(source):
    """The flags that the Dockerfile or the Deployment gives the server."""
    if source == "Dockerfile":
        program, *arguments = dockerfile_instruction("ENTRYPOINT")
    else:
        program, arguments = container()["command"][0], container()["args"]
    assert program == "tensorflow_model_server"
    return arguments


def parse(arguments):
    """The server's Config, and the arguments that are none of its flags."""
    values = flags.FlagValues()
    option_flags.define(Config, values)
    _, *unknown = values(["server", *arguments], known_only=True)
    return option_flags.build(Config, values), unknown


def memory_needed(config):
    """The sum that the document makes, in bytes.

    Args:
        config: the server's flags.
    """
    text = (ROOT / "docs" / "operations.md").read_text()
    (resident,) = re.findall(r"are ([\d.]+) GB for two versions", text)
    (image,) = re.findall(r"([\d.]+) GB for each inter-op thread", text)
    threads = config.tensorflow_inter_op_parallelism
    assert threads > 0  # else as many as the machine has CPUs
    return 1e9 * (float(resident) + threads * float(image))


def relocated(arguments, folder, model):
    """The same flags for this machine: files and versions under `folder`, and free ports.

    Args:
        arguments: as in the image.
        folder: gets `config` and `models/hashtags`, as they are mounted at /config and /models.
        model: a SavedModel, which becomes version 1, the only one that is served.
    """
    (folder / "config").mkdir()
    for path in CONFIG.glob("*.config"):
        text = path.read_text().replace('"/models/', f'"{folder}/models/')
        (folder / "config" / path.name).write_text(text)
    # Whatever rollouts have made of it.
    models = config_file.read(folder / "config" / "models.config")
    config_file.set_release(models, "hashtags", Release((1,), {"stable": 1, "canary": 1}))
    config_file.write(folder / "config" / "models.config", models)
    shutil.copytree(model, folder / "models" / "hashtags" / "1")
    moved = [argument.replace("=/config/", f"={folder}/config/") for argument in arguments]
    moved.remove("--port=8500")
    moved.remove("--rest_api_port=8501")
    return [*moved, "--port=0", f"--rest_api_port={free_port()}"]


def code_blocks(document, heading):
    """The indented blocks of one section of a document."""
    _, _, section = document.read_text().partition(f"\n## {heading}\n")
    section = re.split(r"^## ", section, maxsplit=1, flags=re.MULTILINE)[0]
    blocks = re.findall(r"(?:^ {4}.*\n)+", section, re.MULTILINE)
    return [re.sub(r"^ {4}", "", block, flags=re.MULTILINE) for block in blocks]
