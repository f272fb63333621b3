"""What the documents tell people to type has flags that exist, and what they link to is there."""

import importlib
import importlib.util
import json
import os
import re
import shlex
import subprocess
from pathlib import Path

import pytest
import yaml

from beam.running.runner import refuse_unknown
from tagkeras.cli import commandline

ROOT = Path(__file__).parents[1]
PAGES = ("README.md", "BUILD.md", "CONTRIBUTING.md")
DOCUMENTS = [*(ROOT / page for page in PAGES), *sorted((ROOT / "docs").glob("*.md"))]


def commands(document):
    text = document.read_text().replace("\\\n", " ")
    for line in re.findall(r"^ {4,}(python -m (?:beam|tagkeras|serving)\..*)$", text, re.MULTILINE):
        yield line.removesuffix(" &")


def check_command(line):
    """Raises where a flag of a command does not exist, or has a value that is none of its."""
    _, _, module, *arguments = shlex.split(line)
    is_room = importlib.util.find_spec(module).submodule_search_locations is not None
    config = importlib.import_module(f"{module}.__main__" if is_room else module).Config
    _, rest = commandline.parse_known(config, arguments)
    if module.startswith("beam."):
        refuse_unknown(rest)
    else:
        assert not rest
    return True


@pytest.mark.parametrize(
    ("document", "line"), [(d.name, line) for d in DOCUMENTS for line in commands(d)]
)
def test_flags_exist(document, line):
    assert check_command(line)


def test_there_are_commands_to_look_at():
    lines = [line for document in DOCUMENTS for line in commands(document)]
    assert len(lines) > 12
    assert {line.split()[2] for line in lines} >= {
        "beam.preprocess",
        "beam.predict",
        "beam.inspect",
    }


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_links_lead_somewhere(document):
    for link in re.findall(r"\]\(([^)]+)\)", document.read_text()):
        path, _, anchor = link.partition("#")
        if "://" in link:
            continue
        target = document.parent / path if path else document
        assert target.exists(), link
        if anchor:
            titles = re.findall(r"^#+ (.*)$", target.read_text(), re.MULTILINE)
            assert anchor in {re.sub(r"[^\w -]", "", t).lower().replace(" ", "-") for t in titles}


def manifests():
    """The Kubernetes objects of BUILD.md by their kind."""
    text = (ROOT / "BUILD.md").read_text()
    blocks = re.findall(r"```yaml\n(.*?)```", text, re.DOTALL)
    return {m["kind"]: m for block in blocks for m in yaml.safe_load_all(block)}


def test_training_job_tells_each_worker_of_all():
    spec = manifests()["Job"]["spec"]
    pod = spec["template"]["spec"]
    assert pod["subdomain"] == manifests()["Service"]["metadata"]["name"]
    (container,) = pod["containers"]
    (script,) = container["args"]
    setting, command = script.split("exec ")
    answer = subprocess.run(
        [*container["command"], f"{setting} printenv TF_CONFIG"],
        env={**os.environ, "JOB_COMPLETION_INDEX": "2"},
        capture_output=True,
        text=True,
        check=True,
    )
    config = json.loads(answer.stdout)
    assert config["task"] == {"type": "worker", "index": 2}
    workers = config["cluster"]["worker"]
    assert len(workers) == len(set(workers)) == spec["completions"]
    assert workers[2] == "tagkeras-train-2.tagkeras-train:2222"
    assert check_command(command.replace("\\\n", " ").strip())
