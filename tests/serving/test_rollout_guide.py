"""The walk of docs/rollout.md: its edits and commands, against a server process under load."""

import contextlib
import os
import re
import shlex
import subprocess
import sys
import threading
import time
from concurrent import futures
from pathlib import Path

import pytest
from serving_helpers import free_port, photo, save_hashtag_model

from serving import HashtagClient, RequestError, StatusCode

ROOT = Path(__file__).parents[2]
GUIDE = (ROOT / "docs" / "rollout.md").read_text()
# Of an answer that is late, not lost: machines of tests may stand still for a while.
PATIENCE = 120.0

pytestmark = pytest.mark.slow


def edits():
    """The file of the guide, then the lines that each step puts in place of others."""
    blocks = re.findall(r"^```(\w*)\n(.*?)^```$", GUIDE, re.M | re.S)
    return [text.strip("\n") for language, text in blocks if not language]


def edited(text, lines):
    """The config with lines in place of those that say the same of something else."""
    for line in lines.splitlines():
        start = re.match(r"version_labels \{ key: \"\w+\"|\w+", line.strip())[0]
        text, count = re.subn(rf"^ *{re.escape(start)}.*$", line, text, flags=re.M)
        assert count == 1, line
    return text


class Walker:
    """Types the commands of the guide in a folder, with other ports and a shorter load."""

    def __init__(self, folder):
        self._folder = folder
        self._ports = {"8500": str(free_port()), "8501": str(free_port())}
        self.endpoint = f"localhost:{self._ports['8500']}"

    def arguments(self, module):
        (line,) = re.findall(rf"^    python (-m {module} .*)$", GUIDE, re.M)
        line = re.sub(r"\b850[01]\b", lambda port: self._ports[port[0]], line)
        line = line.replace("--duration=60", "--duration=1").removesuffix(" &")
        return [sys.executable, *shlex.split(line)]

    def run(self, module):
        done = subprocess.run(
            self.arguments(module), **self._process, capture_output=True, check=False
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    @contextlib.contextmanager
    def server(self):
        process = subprocess.Popen(
            self.arguments("serving.server"), **self._process, stdout=subprocess.PIPE
        )
        try:
            assert any("REST API" in line for line in process.stdout)
            yield
        finally:
            process.terminate()
            process.communicate()
        assert process.returncode == 0

    def write(self, text):
        """Replaces the config in one step, as the guide says."""
        (self._folder / "aside.config").write_text(
            text.replace('"/models/', f'"{self._folder}/models/')
        )
        (self._folder / "aside.config").rename(self._folder / "models.config")

    @property
    def _process(self):
        return {"cwd": self._folder, "env": {**os.environ, "PYTHONPATH": str(ROOT)}, "text": True}


@contextlib.contextmanager
def load(endpoint):
    """A client of each label asks in the meantime; the versions and scores that they are told."""
    answers = {"stable": [], "canary": []}
    stopping = threading.Event()

    def ask(label):
        options = {"version_label": label, "attempts": 1, "timeout": PATIENCE}
        with HashtagClient(endpoint, "hashtags", **options) as client:
            while not stopping.wait(0.02):
                (answer,) = client.predict([photo(0)])
                answers[label].append((answer.version, round(answer.hashtags[0].score, 3)))

    with futures.ThreadPoolExecutor() as pool, contextlib.ExitStack() as stack:
        stack.callback(stopping.set)
        asking = [pool.submit(ask, label) for label in answers]
        yield answers
        stopping.set()
        for one in asking:
            one.result()


def wait_until(is_reached):
    """Asks until a condition holds."""
    deadline = time.monotonic() + PATIENCE
    pause = threading.Event()
    while not is_reached():
        assert time.monotonic() < deadline, "not reached"
        pause.wait(0.05)


def wait_for(answers, **versions):
    """Waits until the last answer of each label is that of a version."""
    wait_until(lambda: all(answers[it] and answers[it][-1][0] == versions[it] for it in versions))


def is_served(endpoint, version):
    with HashtagClient(endpoint, "hashtags", version=version) as client:
        try:
            client.predict([photo(0)])
        except RequestError as error:
            if error.code is not StatusCode.NOT_FOUND:
                raise
            return False
    return True


@pytest.mark.timeout(600)
def test_the_walk_of_the_guide(tmp_path):
    start, load_it, label_it, swap = edits()
    back = swap.translate(str.maketrans("12", "21"))
    base = tmp_path / "models" / "hashtags"
    save_hashtag_model(base, 1)
    (tmp_path / "photo.jpg").write_bytes(photo(0))
    walker = Walker(tmp_path)
    walker.write(start)
    with walker.server(), load(walker.endpoint) as answers:
        wait_for(answers, stable=1, canary=1)
        save_hashtag_model(base, 2, offset=1.0)

        loaded = edited(start, load_it)
        walker.write(loaded)
        wait_until(lambda: is_served(walker.endpoint, 2))
        tried = edited(loaded, label_it)
        walker.write(tried)
        wait_for(answers, stable=1, canary=2)
        assert "model hashtags, version 2" in walker.run("serving.client")
        assert re.search(r"answered +[1-9]", walker.run("serving.load_test"))

        promoted = edited(tried, swap)
        for config, stable, canary in [
            (promoted, 2, 1),
            (edited(promoted, back), 1, 2),
            (promoted, 2, 1),
        ]:
            walker.write(config)
            wait_for(answers, stable=stable, canary=canary)
        both_labels = start.replace("value: 1", "value: 2")
        walker.write(both_labels.replace("versions: 1", "versions: 1 versions: 2"))
        wait_for(answers, stable=2, canary=2)
        walker.write(both_labels.replace("versions: 1", "versions: 2"))
        wait_until(lambda: not is_served(walker.endpoint, 1))
    # Every answer is that of the version that it names.
    assert {*answers["stable"], *answers["canary"]} == {(1, 0.3), (2, 1.3)}
