"""docs/operations.md on a canary in Kubernetes: its steps, one edit and one `apply` each."""

import re
import shlex
import shutil

import pytest
from operations_helpers import CONFIG, ROOT

from serving import rollout
from serving.releases import config_file
from serving.releases.release import Release
from tagkeras.cli import commandline
from tagkeras.cli.errors import UserError

STEADY = Release((1,), {"stable": 1, "canary": 1})
TRIED = Release((1, 2), {"stable": 1, "canary": 2})
PROMOTED = Release((1, 2), {"stable": 2, "canary": 2, "previous": 1})
FINISHED = Release((2,), {"stable": 2, "canary": 2})


def edits():
    """The flags of the commands that edit the file, in the document's order, by their step."""
    text = (ROOT / "docs" / "operations.md").read_text()
    _, _, section = text.partition("\n### A canary\n")
    section, _, _ = section.partition("\n### ")
    found = {}
    commands = re.findall(r"^    python -m serving\.rollout (.*)\n(.*)$", section, re.MULTILINE)
    for flags, following in commands:
        assert following == "    kubectl -n hashtags apply -k deploy/config"
        found.setdefault(flags.split()[0], []).append(flags)
    return found


@pytest.fixture
def take(tmp_path, monkeypatch):
    """Takes a step by all of its commands, and gives what the file says then."""
    monkeypatch.chdir(tmp_path)
    shutil.copytree(CONFIG, "deploy/config")
    path = "deploy/config/models.config"
    config = config_file.read(path)
    config_file.set_release(config, "hashtags", STEADY)
    config_file.write(path, config)

    def run(step):
        for flags in edits()[step]:
            rollout.main(commandline.parse(rollout.Config, shlex.split(flags)))
        return config_file.release_of(config_file.read(path), "hashtags")

    return run


def test_the_way_to_everyone(take):
    assert [take(step) for step in ("canary", "promote", "finish")] == [TRIED, PROMOTED, FINISHED]


@pytest.mark.parametrize("steps", [("canary",), ("canary", "promote")], ids=" ".join)
def test_the_way_back(steps, take):
    for step in steps:
        take(step)
    assert take("rollback") == STEADY
    with pytest.raises(UserError, match="nothing to roll back"):
        take("rollback")
