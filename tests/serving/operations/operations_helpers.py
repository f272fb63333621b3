"""The files of serving/docker, serving/kubernetes and serving/config, read for the tests."""

import json
import re
import shutil
from pathlib import Path

import yaml
from google.protobuf import text_format
from serving_helpers import free_port

from serving.server.models import model_config

ROOT = Path(__file__).parents[3]
SERVING = ROOT / "serving"
CONFIG = SERVING / "config"
DOCKER = SERVING / "docker"
KUBERNETES = SERVING / "kubernetes"


def manifests(path):
    """The Kubernetes objects in a file."""
    return [document for document in yaml.safe_load_all(path.read_text()) if document]


def container():
    """The container of the Deployment."""
    (deployment,) = manifests(KUBERNETES / "base" / "deployment.yaml")
    (only,) = deployment["spec"]["template"]["spec"]["containers"]
    return only


def server_arguments(source):
    """The flags that the Dockerfile or the Deployment gives the server."""
    if source == "Deployment":
        return container()["args"]
    text = re.sub(r"\\\n", " ", (DOCKER / "Dockerfile").read_text())
    (entry_point,) = re.findall(r"^ENTRYPOINT (\[.*\])$", text, re.MULTILINE)
    return json.loads(entry_point)[1:]


def relocated(arguments, folder, saved_model):
    """The same flags for this machine: files and versions under `folder`, and free ports.

    Args:
        arguments: as in the image.
        folder: gets `config` and `models/hashtags`, as they are mounted at /config and /models.
        saved_model: becomes version 1, the only one that is served.
    """
    (folder / "config").mkdir()
    for path in CONFIG.glob("*.config"):
        text = path.read_text().replace('"/models/', f'"{folder}/models/')
        (folder / "config" / path.name).write_text(text)
    # Whatever rollouts have made of it.
    path = folder / "config" / "models.config"
    config = model_config.read(path)
    (model,) = config.model_config_list.config
    model.model_version_policy.specific.versions[:] = [1]
    for label in ("stable", "canary"):
        model.version_labels[label] = 1
    path.write_text(text_format.MessageToString(config))
    shutil.copytree(saved_model, folder / "models" / "hashtags" / "1")
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
