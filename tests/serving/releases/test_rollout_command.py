"""The command against servers that follow the file, in this process."""

import contextlib
import dataclasses
import os
import re
import shlex

import pytest
from release_helpers import break_version, run_command, save_ranking_model
from serving_helpers import QUICK, Stubs, statuses

from serving import rollout
from serving.releases import config_file, follow, watched_server
from serving.releases.release import Release
from serving.server.model_server import ModelServer
from serving.server.models import model_config
from serving.server.models.config_poller import ConfigPoller
from tagkeras.cli import files
from tagkeras.cli.errors import UserError

PATIENCE = "--timeout=60"
# As a server must be that starts with labels.
EARLY = dataclasses.replace(QUICK, allow_version_labels_for_unavailable_models=True)


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    """Versions 1 and 2, and 3, which does not load."""
    base = tmp_path_factory.mktemp("rollout") / "tags"
    save_ranking_model(base, 1, [["a"]])
    save_ranking_model(base, 2, [["b"]])
    break_version(base, 3)
    return base


@pytest.fixture
def step(tmp_path, monkeypatch):
    """Takes a step of the rollout of `tags` in `tmp_path/models.config`."""
    monkeypatch.chdir(tmp_path)

    def take(name, *argv):
        flags = ("--model_config_file=models.config", "--model_name=tags", PATIENCE)
        run_command(rollout, name, *flags, *argv)
        return release()

    return take


def release():
    return config_file.release_of(config_file.read("models.config"), "tags")


def poll(server):
    """Makes a server look at the file again and again."""
    return ConfigPoller(server.manager, "models.config", 0.05)


@contextlib.contextmanager
def polling_server():
    """A server of the file that looks at it again and again."""
    with ModelServer(model_config.read("models.config"), options=EARLY) as server:
        with poll(server):
            yield server


def labels_of(server, *labels):
    with watched_server.WatchedServer(server.endpoint, "tags") as watched:
        return {label: watched.version_of(label) for label in labels}


def loaded(server):
    stubs = Stubs(server.endpoint)
    with stubs.channel:
        return sorted(v for v, state, _ in statuses(stubs, "tags") if state == "AVAILABLE")


@pytest.mark.slow
def test_the_whole_way_and_back(base, step, capsys):
    step("start", f"--model_base_path={base}", "--version=1")
    assert release() == Release((1,), {"stable": 1, "canary": 1})
    with polling_server() as first, polling_server() as second:
        both = f"--server={first.endpoint},{second.endpoint}"
        capsys.readouterr()
        step("canary", both, "--version=2")
        assert capsys.readouterr().out.splitlines() == [
            "tags: versions 1 -> 1, 2",
            f"taken over by {first.endpoint}, {second.endpoint}",
            "tags: canary 1 -> 2",
            f"taken over by {first.endpoint}, {second.endpoint}",
        ]
        for server in (first, second):
            assert labels_of(server, "stable", "canary") == {"stable": 1, "canary": 2}
        step("canary", both, "--version=2")
        assert "nothing to change: versions 1, 2; stable 1, canary 2" in capsys.readouterr().out
        step("promote", both)
        for server in (first, second):
            assert labels_of(server, "stable", "canary", "previous") == {
                "stable": 2,
                "canary": 2,
                "previous": 1,
            }
            assert loaded(server) == [1, 2]
        capsys.readouterr()
        step("status", both)
        assert capsys.readouterr().out.splitlines() == [
            "models.config: versions 1, 2; stable 2, canary 2, previous 1",
            f"{first.endpoint}: version 1 AVAILABLE previous, version 2 AVAILABLE stable canary",
            f"{second.endpoint}: version 1 AVAILABLE previous, version 2 AVAILABLE stable canary",
        ]
        step("rollback", both)
        for server in (first, second):
            assert labels_of(server, "stable", "canary", "previous") == {
                "stable": 1,
                "canary": 1,
                "previous": None,
            }
            assert loaded(server) == [1]
        step("canary", both, "--version=2")
        step("promote", both)
        assert step("finish", both) == Release((2,), {"stable": 2, "canary": 2})
        assert loaded(first) == loaded(second) == [2]


@pytest.mark.slow
def test_a_canary_that_does_not_load_leaves_everything(base, step, tmp_path):
    step("start", f"--model_base_path={base}", "--version=1")
    path = tmp_path / "models.config"
    path.write_text("# ours\n" + path.read_text().replace("config {", "config {  # inside", 1))
    before = path.read_bytes()
    with polling_server() as server:
        with pytest.raises(UserError, match=r"version 3 failed: .*; models.config is as it was$"):
            step("canary", f"--server={server.endpoint}")  # the newest
        assert path.read_bytes() == before
        assert labels_of(server, "stable", "canary") == {"stable": 1, "canary": 1}
        # A version that there is not is waited for, as it may appear, but not for ever.
        (base / "4").mkdir()
        try:
            with pytest.raises(UserError, match="version 4 .*is as it was$"):
                step("canary", "--version=4", f"--server={server.endpoint}", "--timeout=1")
        finally:
            (base / "4").rmdir()
        assert path.read_bytes() == before
        assert loaded(server) == [1]
        step("canary", f"--server={server.endpoint}", "--version=2")
        assert labels_of(server, "stable", "canary") == {"stable": 1, "canary": 2}


@pytest.mark.slow
def test_a_canary_that_a_restart_cannot_load_is_rolled_back(base, step):
    step("start", f"--model_base_path={base}", "--version=1")
    # Without a server nobody sees that version 3 does not load.
    step("canary", "--version=3")
    step("canary", "--version=3")
    with polling_server() as server:
        step("rollback", f"--server={server.endpoint}")
        assert labels_of(server, "stable", "canary") == {"stable": 1, "canary": 1}
    assert release() == Release((1,), {"stable": 1, "canary": 1})


@pytest.mark.slow
def test_pushed_to_a_server_that_does_not_look(base, step):
    step("start", f"--model_base_path={base}", "--version=1")
    with ModelServer(model_config.read("models.config"), options=EARLY) as server:
        pushed = ("--push", f"--server={server.endpoint}")
        step("canary", *pushed, "--version=2")
        assert labels_of(server, "stable", "canary") == {"stable": 1, "canary": 2}
        step("rollback", *pushed)
        assert labels_of(server, "stable", "canary") == {"stable": 1, "canary": 1}
        assert loaded(server) == [1]
        with pytest.raises(UserError, match="version 3 failed"):
            step("canary", *pushed, "--version=3")
        # The old config was pushed as well.
        assert server.manager.config == model_config.read("models.config")


@pytest.mark.slow
def test_a_model_added_to_a_running_server(base, step, tmp_path):
    (tmp_path / "models.config").write_text(
        f'model_config_list {{ config {{ name: "other" base_path: "{base}" '
        'model_platform: "tensorflow" model_version_policy { specific { versions: 2 } } } }'
    )
    with ModelServer(model_config.read("models.config"), options=QUICK) as server:
        with ConfigPoller(server.manager, "models.config", 0.05):
            step("start", f"--model_base_path={base}", "--version=1", f"--server={server.endpoint}")
            assert labels_of(server, "stable", "canary") == {"stable": 1, "canary": 1}
    assert config_file.release_of(config_file.read("models.config"), "other").versions == (2,)


@pytest.mark.slow
@pytest.mark.parametrize("push", [(), ("--push",)], ids=["polling", "pushed"])
def test_an_interrupted_canary_goes_on(push, base, step, monkeypatch):
    step("start", f"--model_base_path={base}", "--version=1")
    followed = []

    def interrupt(*arguments, **named):
        followed.append(arguments)
        if len(followed) == 2:
            raise KeyboardInterrupt
        return follow.follow(*arguments, **named)

    with ModelServer(model_config.read("models.config"), options=EARLY) as server:
        flags = ("--version=2", f"--server={server.endpoint}", *push)
        look = contextlib.nullcontext() if push else poll(server)
        with look:
            with monkeypatch.context() as patch:
                patch.setattr("serving.releases.edits.follow", interrupt)
                with pytest.raises(KeyboardInterrupt):
                    step("canary", *flags)
            # Version 2 is loaded, and its label waits for that.
            assert release() == Release((1, 2), {"stable": 1, "canary": 1})
            assert loaded(server) == [1, 2]
            assert step("canary", *flags) == Release((1, 2), {"stable": 1, "canary": 2})
            assert labels_of(server, "stable", "canary") == {"stable": 1, "canary": 2}


def test_without_servers_one_edit_a_command(base, step, capsys):
    step("start", f"--model_base_path={base}", "--version=1")
    assert re.search(r"next, .*:\n  (.*)", capsys.readouterr().out)[1] == (
        "python -m serving.rollout canary --model_config_file=models.config --model_name=tags"
    )
    assert step("canary", "--version=2") == Release((1, 2), {"stable": 1, "canary": 1})
    assert capsys.readouterr().out.splitlines() == [
        "tags: versions 1 -> 1, 2",
        "next, once every server has versions 1, 2; stable 1, canary 1:",
        "  python -m serving.rollout canary --model_config_file=models.config --model_name=tags "
        "--version=2",
    ]
    assert step("canary", "--version=2") == Release((1, 2), {"stable": 1, "canary": 2})
    assert " promote " in capsys.readouterr().out
    step("promote")
    told = capsys.readouterr().out.splitlines()
    assert [line.split()[3] for line in told if line.startswith("  ")] == ["finish", "rollback"]
    step("finish")
    assert " finish " in capsys.readouterr().out
    assert step("finish") == Release((2,), {"stable": 2, "canary": 2})
    assert "next" not in capsys.readouterr().out


def test_what_is_refused(base, step, tmp_path):
    with pytest.raises(UserError, match="has no model 'tags': give its --model_base_path"):
        step("start")
    with pytest.raises(UserError, match="no such file: start makes one"):
        step("status")
    with pytest.raises(UserError, match="no version 9, but 1, 2, 3"):
        step("start", f"--model_base_path={base}", "--version=9")
    (tmp_path / "empty").mkdir()
    with pytest.raises(UserError, match="the folder of tags has no versions"):
        step("start", "--model_base_path=empty")
    assert not os.path.lexists("models.config")
    step("start", f"--model_base_path={base}", "--version=1")
    before = (tmp_path / "models.config").read_bytes()
    for name, flags, words in [
        ("start", [f"--model_base_path={tmp_path}"], "has tags in .* already"),
        ("canary", ["--version=9"], "no version 9, but 1, 2, 3"),
        ("canary", ["--model_name=toys"], "has no model 'toys': check its name"),
        ("canary", [f"--model_base_path={base}"], "--model_base_path is for start"),
        ("canary", ["--push"], "name them by --server"),
        ("canary", [f"--version={2**63}"], "is too large: versions end at 9223372036854775807"),
        ("canary", ["--server=localhost"], "no port"),
        ("canary", ["--version=2", "--server=localhost:1"], "no server answers at localhost:1"),
        ("promote", [], "no canary to promote"),
        ("canary", ["--model_config_file=none/models.config"], "no such folder"),
        ("status", ["--model_name=toys"], "has no model 'toys'"),
    ]:
        with pytest.raises(UserError, match=words):
            step(name, *flags)
    with files.locked(tmp_path, busy=""), pytest.raises(UserError, match="another rollout"):
        step("canary", "--version=2")
    assert (tmp_path / "models.config").read_bytes() == before


def test_a_folder_that_is_elsewhere_needs_a_version(step, capsys):
    with pytest.raises(UserError, match="not to be seen from here: name one by --version"):
        step("start", "--model_base_path=s3://bucket/tags")
    started = step("start", "--model_base_path=s3://bucket/tags", "--version=7")
    assert started == Release((7,), {"stable": 7, "canary": 7})
    command = shlex.split(capsys.readouterr().out.splitlines()[-1])
    assert command[:4] == ["python", "-m", "serving.rollout", "canary"]
    run_command(rollout, *command[3:])  # as it is printed
    assert release() == Release((7, 8), {"stable": 7, "canary": 7})


@pytest.mark.slow
def test_the_status_of_servers_of_which_one_is_down(base, step, capsys):
    step("start", f"--model_base_path={base}", "--version=1")
    with polling_server() as server:
        capsys.readouterr()
        with pytest.raises(UserError, match="^no answer from localhost:1$"):
            step("status", f"--server=localhost:1,{server.endpoint}")
        _, down, up = capsys.readouterr().out.splitlines()
    assert down.startswith("localhost:1: no answer: no server answers at localhost:1")
    assert up == f"{server.endpoint}: version 1 AVAILABLE stable canary"
