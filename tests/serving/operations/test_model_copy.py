"""docs/operations.md on copying a model into the claim, typed as it stands, line by line."""

import os
import re
import subprocess
import textwrap

import pytest
from operations_helpers import ROOT

# Acts on a folder in place of the claim; a copy breaks off while there is a file `broken`.
KUBECTL = r"""#!/usr/bin/env bash
[[ $1 == -n ]] && shift 2
verb=$1
shift
case $verb in
  wait) [[ ! -e unready ]] ;;
  exec)
    [[ $1 == model-writer && $2 == -- ]] || exit 2
    shift 2
    "${@//\/models\//$PWD/claim/}" ;;
  cp)
    target=${2/#model-writer:\/models/$PWD/claim}
    if [[ -e broken ]]; then
      mkdir -p "$target"
      exit 1
    fi
    cp -r "$1" "$target" ;;
esac
"""


def copying():
    """The blocks of the document that copy, and the versions that they copy."""
    text = (ROOT / "docs" / "operations.md").read_text()
    blocks = re.findall(r"(?:^ {4,}\S.*\n)+", text, re.MULTILINE)
    for block in blocks:
        if found := re.search(r" cp models/hashtags/(\d+) ", block):
            yield pytest.param(textwrap.dedent(block), found[1], id=f"version {found[1]}")


COPYING = list(copying())


@pytest.fixture
def type_in(tmp_path):
    """Runs commands as a shell does into which they are pasted: one that fails stops nothing."""
    kubectl = tmp_path / "bin" / "kubectl"
    kubectl.parent.mkdir()
    kubectl.write_text(KUBECTL)
    kubectl.chmod(0o755)
    (tmp_path / "claim" / "hashtags").mkdir(parents=True)
    for version in ("1", "2"):
        model = tmp_path / "models" / "hashtags" / version
        model.mkdir(parents=True)
        (model / "saved_model.pb").write_text(version)
    env = {**os.environ, "PATH": f"{tmp_path / 'bin'}:{os.environ['PATH']}"}

    def run(commands):
        command = ["bash", "-c", commands]
        return subprocess.run(command, cwd=tmp_path, env=env, capture_output=True).returncode

    return run


def files(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


@pytest.mark.parametrize(("commands", "version"), COPYING)
def test_a_copy_that_breaks_off_is_not_published(commands, version, type_in, tmp_path):
    claim = tmp_path / "claim" / "hashtags"
    (tmp_path / "broken").touch()
    assert type_in(commands) != 0
    assert [path.name for path in claim.iterdir()] == [f".{version}"]
    (tmp_path / "broken").unlink()
    assert type_in(commands) == 0
    assert [path.name for path in claim.iterdir()] == [version]
    assert files(claim) == [f"{version}/saved_model.pb"]


@pytest.mark.parametrize(("commands", "version"), COPYING)
def test_a_version_that_is_there_stays_as_it_is(commands, version, type_in, tmp_path):
    served = tmp_path / "claim" / "hashtags" / version
    served.mkdir()
    (served / "saved_model.pb").write_text("served")
    assert type_in(commands) != 0
    assert files(served) == ["saved_model.pb"]
    assert (served / "saved_model.pb").read_text() == "served"
