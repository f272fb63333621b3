"""Rollouts whose servers miss an edit, are started again or end."""

import contextlib
import dataclasses

import pytest
from release_helpers import run_command, save_ranking_model
from serving_helpers import QUICK, Stubs, statuses

from serving import rollout
from serving.releases import config_file, edits, follow
from serving.releases.edits import ReleaseEditor
from serving.releases.release import Release
from serving.releases.watched_server import WatchedServer
from serving.server.errors import ServingError
from serving.server.model_server import ModelServer
from serving.server.models import model_config
from serving.server.models.config_poller import ConfigPoller
from tagkeras.cli.errors import UserError

pytestmark = pytest.mark.slow

# As a server must be that starts with labels.
EARLY = dataclasses.replace(QUICK, allow_version_labels_for_unavailable_models=True)
STEADY = Release((1,), {"stable": 1, "canary": 1})
LOADED = Release((1, 2), {"stable": 1, "canary": 1})
TRIED = Release((1, 2), {"stable": 1, "canary": 2})
FINISHED = Release((2,), {"stable": 2, "canary": 2})


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    base = tmp_path_factory.mktemp("failures") / "tags"
    save_ranking_model(base, 1, [["a"]])
    save_ranking_model(base, 2, [["b"]])
    return base


@pytest.fixture
def step(tmp_path, monkeypatch, base):
    """Takes a step of the rollout of `tags`, of which version 1 is started."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(edits, "SILENCE_SECONDS", 0.5)

    def take(name, *argv):
        flags = ("--model_config_file=models.config", "--model_name=tags", "--timeout=60")
        run_command(rollout, name, *flags, *argv)

    take("start", f"--model_base_path={base}", "--version=1")
    return take


def write(release):
    config = config_file.read("models.config")
    config_file.set_release(config, "tags", release)
    config_file.write("models.config", config)
    return config


def written():
    return config_file.release_of(config_file.read("models.config"), "tags")


def started(release):
    """A server of another file than `models.config`, with this release, which is loaded."""
    config = config_file.read("models.config")
    config_file.set_release(config, "tags", release)
    return ModelServer(config, options=EARLY)


def polling(server):
    return ConfigPoller(server.manager, "models.config", 0.05)


def has(server, release):
    """Whether a server has exactly this."""
    with WatchedServer(server.endpoint, "tags") as watched:
        labels = {label: watched.version_of(label) for label in ("stable", "canary", "previous")}
    stubs = Stubs(server.endpoint)
    with stubs.channel:
        found = [v for v, state, _ in statuses(stubs, "tags") if state == "AVAILABLE"]
    pointing = {label: version for label, version in labels.items() if version is not None}
    return (tuple(sorted(found)), pointing) == (release.versions, release.labels)


@pytest.mark.parametrize("release", [LOADED, TRIED, FINISHED], ids=["loaded", "tried", "finished"])
def test_a_push_that_did_not_arrive_is_sent_again(release, step):
    write(release)
    name, end = ("finish", FINISHED) if release is FINISHED else ("canary", TRIED)
    with started(STEADY) as server:
        step(name, "--version=2", "--push", f"--server={server.endpoint}")
        assert has(server, end)
    assert written() == end


def test_a_push_that_fails_leaves_the_change_to_the_same_step(step, monkeypatch):
    with started(STEADY) as server:
        flags = ("--version=2", "--push", f"--server={server.endpoint}")
        push, pushed = WatchedServer.push, []

        def fail_at_the_label(watched, config, timeout):
            pushed.append(config_file.release_of(config, "tags"))
            if pushed[-1] == TRIED:
                with WatchedServer("localhost:1", "tags") as nobody:
                    push(nobody, config, timeout)
            push(watched, config, timeout)

        with monkeypatch.context() as patch:
            patch.setattr(WatchedServer, "push", fail_at_the_label)
            with pytest.raises(UserError, match=r"no server answers.*the same step waits for it"):
                step("canary", *flags)
        assert pushed == [STEADY, LOADED, TRIED]
        assert written() == TRIED
        assert has(server, LOADED)
        step("canary", *flags)
        assert has(server, TRIED)


def test_two_edits_that_come_as_one_are_refused_until_rolled_back(step):
    with started(STEADY) as server:
        merged = write(TRIED)
        for _ in range(2):  # as at every look at the file
            with pytest.raises(ServingError, match="version 2 .* not currently available"):
                server.manager.reload(merged)
        assert has(server, STEADY)
        with polling(server):
            step("rollback", f"--server={server.endpoint}")
            assert has(server, STEADY)
            step("canary", "--version=2", f"--server={server.endpoint}")
            assert has(server, TRIED)


def test_a_canary_that_ends_a_server_is_taken_back(step):
    before = config_file.read("models.config")
    with started(STEADY) as server, WatchedServer(server.endpoint, "tags") as watched:

        def end(words):
            if words == "tags: versions 1 -> 1, 2":
                server.stop()

        editor = ReleaseEditor("models.config", "tags", [watched], say=end, timeout=60)
        with pytest.raises(UserError, match=r"no server answers.*for 0.5 s; .* is as it was$"):
            editor.make([LOADED, TRIED])
    assert config_file.read("models.config") == before


@pytest.mark.parametrize("push", [(), ("--push",)], ids=["polling", "pushed"])
def test_a_rollback_waits_for_no_server_that_is_down(push, step, capsys):
    write(TRIED)
    with started(LOADED) as server, polling(server):
        capsys.readouterr()
        with pytest.raises(UserError, match=r"^no answer from localhost:1; models.config has the"):
            step("rollback", f"--server=localhost:1,{server.endpoint}", *push)
        assert has(server, STEADY)
        assert capsys.readouterr().out.splitlines() == [
            "tags: canary 2 -> 1",
            f"taken over by {server.endpoint}",
            "tags: versions 1, 2 -> 1",
            f"taken over by {server.endpoint}",
        ]
    assert written() == STEADY


@pytest.mark.parametrize("release", [LOADED, TRIED], ids=["loaded", "tried"])
@pytest.mark.parametrize("push", [(), ("--push",)], ids=["polling", "pushed"])
def test_a_rollback_that_has_not_arrived_is_waited_for(push, release, step, monkeypatch):
    before = config_file.read("models.config")
    with started(STEADY) as first, started(release) as behind, contextlib.ExitStack() as stack:
        flags = (f"--server={first.endpoint},{behind.endpoint}", *push)

        def look_at_last(*arguments, **named):
            if not push:
                stack.enter_context(polling(behind))
            return follow.follow(*arguments, **named)

        monkeypatch.setattr(edits, "follow", look_at_last)
        step("rollback", *flags)
        assert has(behind, STEADY)
        with pytest.raises(UserError, match="tags has nothing to roll back: version 1 is the only"):
            step("rollback", *flags)
    assert config_file.read("models.config") == before


def test_a_rollback_that_is_made_gives_a_silent_server_little_time(step):
    with pytest.raises(UserError, match=r"^no server answers at localhost:1.*, for 0.5 s$"):
        step("rollback", "--server=localhost:1")
    assert written() == STEADY


def test_a_restore_reaches_the_servers_that_are_left(step, monkeypatch):
    with started(STEADY) as first, started(STEADY) as second:

        def end_first(*arguments, **named):
            first.stop()
            return follow.follow(*arguments, **named)

        monkeypatch.setattr(edits, "follow", end_first)
        with pytest.raises(UserError, match="models.config is as it was$"):
            both = f"--server={first.endpoint},{second.endpoint}"
            step("canary", "--version=2", both, "--push")
        assert second.manager.config == model_config.read("models.config")
    assert written() == STEADY
