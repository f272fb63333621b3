"""The walk of docs/rollout.md, its very commands, against server processes under load."""

import contextlib
import io
import itertools
import json
import os
import re
import shlex
import signal
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest
from release_helpers import break_version, run_command, save_ranking_model
from serving_helpers import free_port
from tiny_dataset import COUNTRIES, write_dataset

from serving import HashtagClient, RequestError, ServerProcess, User, rollout
from serving.releases.config_file import release_of
from serving.releases.release import Release
from serving.server.models import model_config
from tagkeras.cli import commandline
from tagkeras.export import export
from tagkeras.train import train

ROOT = Path(__file__).parents[3]
GUIDE = ROOT / "docs" / "rollout.md"
DESCRIPTOR_SIZE, POSTS = 12, 40
REQUEST_EVERY = 0.02  # seconds between two requests of a client: the steps need the machine, too
# Seconds after which an answer is lost, not late: machines of tests may stand still for half a
# minute, and no step may lose one.
PATIENCE = 300.0

pytestmark = pytest.mark.slow


def guide_commands():
    """The commands of the guide in their order, each with the lines that it says are printed."""
    commands = []
    text = re.sub(r"```.*?```", "", GUIDE.read_text(), flags=re.DOTALL)
    for line in re.findall(r"^    (.*)$", text, re.MULTILINE):
        if line.startswith("python -m "):
            commands.append((line, []))
        elif commands:  # the picture of the steps comes before the first command
            commands[-1][1].append(line)
    return commands


def write_world(folder):
    """What steps 1 to 5 of the README leave: a dataset, a run, version 1, and posts."""
    write_dataset(folder / "dataset", posts=200, validation=40, test=40, n=DESCRIPTOR_SIZE)
    flags = ["--data=dataset", "--workdir=runs/multiplicative", "--batch_size=64", "--epochs=1"]
    train.train(commandline.parse(train.Config, flags))
    flags = ["--workdir=runs/multiplicative", "--data=dataset", "--output=models/hashtags"]
    export.export(commandline.parse(export.Config, flags))
    rng = np.random.default_rng(0)
    rows = [
        {
            "post_id": f"p{number}",
            "user_id": f"user{number % 9}",
            "descriptor": rng.random(DESCRIPTOR_SIZE).round(3).tolist(),
            "hashtags": [f"tag{number % 20}"],
            "country": COUNTRIES[number % len(COUNTRIES)],
        }
        for number in range(POSTS)
    ]
    (folder / "world").mkdir()
    (folder / "world" / "posts.jsonl").write_text("\n".join(map(json.dumps, rows)) + "\n")
    return rows


class Walker:
    """Types the commands of the guide in a folder, with other ports and a short training."""

    def __init__(self, folder):
        self.folder = folder
        self.ports = {"8500": str(free_port()), "8501": str(free_port())}
        self.server = None
        # With the fault handler, a server that is aborted says what its threads were doing.
        self._env = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONFAULTHANDLER": "1"}

    @property
    def endpoint(self):
        return f"localhost:{self.ports['8500']}"

    def arguments(self, line):
        line = re.sub(r"\b850[01]\b", lambda port: self.ports[port[0]], line)
        arguments = [sys.executable, *shlex.split(line)[1:]]
        # The world of this test is so small that it would be learnt for a minute to no end.
        return [*arguments, "--epochs=2"] if "tagkeras.train" in line else arguments

    def run(self, line):
        done = subprocess.run(
            self.arguments(line), cwd=self.folder, env=self._env, capture_output=True, text=True
        )
        return done.returncode, done.stdout, done.stderr

    def run_here(self, line):
        """Runs a command of serving.rollout in this process: as one, it takes seconds to start."""
        module, *flags = self.arguments(line)[2:]
        assert module == "serving.rollout"
        with contextlib.redirect_stdout(io.StringIO()) as printed:
            run_command(rollout, *flags)
        return 0, printed.getvalue(), ""

    def start_server(self, line):
        self.server = subprocess.Popen(
            self.arguments(line.removesuffix("&")),
            cwd=self.folder,
            env=self._env,
            stdout=subprocess.PIPE,
            text=True,
        )
        for printed in self.server.stdout:
            if "REST API" in printed:
                return
        raise AssertionError(f"the server ended with {self.server.wait()}")

    def abort_after_failure(self, kind, *_):
        if kind is not None:
            self.server.send_signal(signal.SIGABRT)

    def stop(self, kind, *_):
        self.server.send_signal(signal.SIGTERM)
        self.server.communicate()
        assert kind is not None or self.server.returncode == 0


class Load:
    """Clients that ask for both labels again and again, and write down every answer.

    A phase is a time in which a step is taken, or one between two steps.
    """

    def __init__(self, endpoint, rows):
        self._endpoint, self._rows = endpoint, rows
        self.phase = 0
        self.answers = []  # (label, row, phase before, phase after, version, hashtags)
        self.failures = []
        self._answered = threading.Condition()
        self._labels = set()  # asked and answered within this phase
        self._stopping = threading.Event()
        self._threads = [
            threading.Thread(target=self._ask, args=[label]) for label in ("stable", "canary")
        ]
        self._nudge = threading.Thread(target=self._ask_now_and_then)

    def __enter__(self):
        for thread in (*self._threads, self._nudge):
            thread.start()
        return self

    def __exit__(self, *_):
        self._stopping.set()
        for thread in (*self._threads, self._nudge):
            thread.join()

    def next_phase(self):
        """Begins another phase, once each label was asked and answered within this one."""
        with self._answered:
            assert self._answered.wait_for(
                lambda: len(self._labels) == len(self._threads) or self.failures, PATIENCE
            )
            self._labels.clear()
            self.phase += 1
        assert not self.failures

    def versions(self, label, phase):
        """The versions that answered a label within a phase."""
        return {a[4] for a in self.answers if a[0] == label and a[2] == a[3] == phase}

    def _ask_now_and_then(self):
        """Where a system loses the news that bytes have come, the next bytes bring it.

        Clients with the same options share a connection, on which all would wait for ever.
        """
        with HashtagClient(self._endpoint, "hashtags", attempts=1, timeout=1) as client:
            while not self._stopping.wait(1):
                with contextlib.suppress(RequestError):
                    ask(client, self._rows[0])

    def _ask(self, label):
        try:
            with HashtagClient(
                self._endpoint, "hashtags", version_label=label, attempts=1, timeout=PATIENCE
            ) as client:
                for row in itertools.cycle(range(len(self._rows))):
                    before = self.phase
                    (answer,) = ask(client, self._rows[row])
                    with self._answered:
                        after = self.phase
                        self.answers.append(
                            (label, row, before, after, answer.version, answer.hashtags)
                        )
                        if before == after:
                            self._labels.add(label)
                        self._answered.notify_all()
                    if self._stopping.wait(REQUEST_EVERY):
                        return
        except Exception as error:
            with self._answered:
                self.failures.append((label, error))
                self._answered.notify_all()


def ask(client, row):
    return client.predict_descriptors([row["descriptor"]], [User(country=row["country"])])


# What the guide says of each step: versions by label afterwards, in the file and by the servers.
STEADY = Release((1,), {"stable": 1, "canary": 1})
TRIED = Release((1, 2), {"stable": 1, "canary": 2})
PROMOTED = Release((1, 2), {"stable": 2, "canary": 2, "previous": 1})
FINISHED = Release((2,), {"stable": 2, "canary": 2})
WALK = [
    ("serving.rollout start", STEADY),
    ("serving.server", STEADY),
    ("tagkeras.train", STEADY),
    ("tagkeras.export", STEADY),
    ("serving.rollout canary", TRIED),
    ("serving.rollout status", TRIED),
    ("serving.compare_versions", TRIED),
    ("serving.rollout promote", PROMOTED),
    ("serving.rollout rollback", STEADY),
    ("serving.rollout canary", TRIED),
    ("serving.rollout promote", PROMOTED),
    ("serving.rollout finish", FINISHED),
]

SHORT = [f"serving.rollout {step}" for step in ("status", "promote", "rollback", "finish")]


@pytest.mark.timeout(900)
def test_the_walk_of_the_guide(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    rows = write_world(tmp_path)
    commands = guide_commands()
    assert len(commands) == len(WALK)
    walker, quiet = Walker(tmp_path), {}
    with contextlib.ExitStack() as stack:
        load = None
        for (line, says), (what, release) in zip(commands, WALK, strict=True):
            assert line.startswith(f"python -m {what}")
            if what == "serving.server":
                walker.start_server(line)
                stack.push(walker.stop)
                load = stack.enter_context(Load(walker.endpoint, rows))
                stack.push(walker.abort_after_failure)
                continue
            if load:
                load.next_phase()  # from now on, the step may change what is answered
            # The models learnt next to nothing: that they differ is all that is asked of them.
            # start and canary are processes, as for people; the others take the same way.
            run = walker.run_here if what in SHORT else walker.run
            status, printed, errors = run(line.replace("--max_drop=0.05", "--max_drop=1"))
            assert status == 0, errors
            for expected in says:
                assert expected.replace("localhost:8500", walker.endpoint) in printed
            written = model_config.read(tmp_path / "models.config")
            assert release_of(written, "hashtags") == release
            if load:
                load.next_phase()  # until here
                quiet[load.phase] = release
        load.next_phase()

    assert not load.failures
    assert len(quiet) == len(WALK) - 2
    for phase, release in quiet.items():
        for label in ("stable", "canary"):
            assert load.versions(label, phase) == {release.labels[label]}
    # Every answer is that of the version that it names, and the two differ.
    references = {}
    for _, row, _, _, version, hashtags in load.answers:
        assert references.setdefault((version, row), hashtags) == hashtags
    asked_both = [row for row in range(POSTS) if {(1, row), (2, row)} <= references.keys()]
    assert any(references[1, row] != references[2, row] for row in asked_both)


def test_the_walk_with_a_version_that_does_not_load(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    base = tmp_path / "models" / "hashtags"
    save_ranking_model(base, 1, [["a", "b"]])
    commands = {what: line for (line, _), (what, _) in zip(guide_commands(), WALK, strict=True)}
    walker = Walker(tmp_path)
    assert walker.run(commands["serving.rollout start"])[0] == 0
    before = (tmp_path / "models.config").read_bytes()
    break_version(base, 2)
    rows = [{"descriptor": [0], "country": "GB"}]
    with ServerProcess(
        port=walker.ports["8500"],
        model_config_file="models.config",
        model_config_file_poll_wait_seconds=1,
        allow_version_labels_for_unavailable_models=True,
        max_num_load_retries=0,
    ) as server:
        with Load(server.endpoint, rows) as load:
            load.next_phase()
            status, _, errors = walker.run(commands["serving.rollout canary"])
            load.next_phase()
            load.next_phase()
        assert {answer[4] for answer in load.answers} == {1}
        assert {tuple(tag.hashtag for tag in answer[5]) for answer in load.answers} == {("a", "b")}
    assert status == 1
    *waiting, last = errors.splitlines()
    assert all(line.startswith(f"{walker.endpoint}: version 2 is ") for line in waiting)
    assert last.startswith(f"python -m serving.rollout: {walker.endpoint}: version 2 failed: ")
    assert last.endswith("; models.config is as it was")
    assert (tmp_path / "models.config").read_bytes() == before
    status, _, errors = walker.run(commands["serving.rollout promote"].split(" --server")[0])
    assert (status, len(errors.splitlines())) == (1, 1)
    assert "hashtags has no canary to promote: version 1 is stable" in errors
