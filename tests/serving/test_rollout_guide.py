"""The walk of docs/rollout.md: its edits and commands, against a server process under load."""

import contextlib
import os
import re
import shlex
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from serving_helpers import WAIT, free_port, photo, save_hashtag_model

from serving import HashtagClient, RequestError

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
        return {
            "cwd": self._folder,
            "env": {**os.environ, "PYTHONPATH": str(ROOT)},
            "text": True,
        }


class Load:
    """A client of each label that asks again and again, and writes down every answer.

    Attributes:
        answers: of each label, the versions and scores in their order.
        failures: what went wrong.
    """

    def __init__(self, endpoint):
        self.answers = {"stable": [], "canary": []}
        self.failures = []
        self._endpoint = endpoint
        self._stopping = threading.Event()
        self._threads = [threading.Thread(target=self._ask, args=[label]) for label in self.answers]

    def __enter__(self):
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self._stopping.set()
        for thread in self._threads:
            thread.join()

    def wait_for(self, **versions):
        """Waits until the last answer of each label is that of a version."""
        deadline = time.monotonic() + PATIENCE
        for label, version in versions.items():
            while not self.answers[label] or self.answers[label][-1][0] != version:
                assert not self.failures
                assert time.monotonic() < deadline, f"{label} is not version {version}"
                self._stopping.wait(0.05)

    def _ask(self, label):
        with HashtagClient(
            self._endpoint, "hashtags", version_label=label, attempts=1, timeout=PATIENCE
        ) as client:
            while not self._stopping.wait(0.02):
                try:
                    (answer,) = client.predict([photo(0)])
                except RequestError as error:
                    self.failures.append((label, error))
                    return
                self.answers[label].append((answer.version, round(answer.hashtags[0].score, 3)))


def wait_until_available(endpoint, version):
    with HashtagClient(endpoint, "hashtags", version=version) as client:
        deadline = time.monotonic() + WAIT
        while time.monotonic() < deadline:
            with contextlib.suppress(RequestError):
                return client.predict([photo(0)])
    raise AssertionError(f"version {version} is not available")


@pytest.mark.timeout(600)
def test_the_walk_of_the_guide(tmp_path):
    start, load_it, label_it, swap = edits()
    back = swap.translate(str.maketrans("12", "21"))
    base = tmp_path / "models" / "hashtags"
    save_hashtag_model(base, 1)
    (tmp_path / "photo.jpg").write_bytes(photo(0))
    walker = Walker(tmp_path)
    walker.write(start)
    with walker.server(), Load(walker.endpoint) as load:
        load.wait_for(stable=1, canary=1)
        save_hashtag_model(base, 2, offset=1.0)

        loaded = edited(start, load_it)
        walker.write(loaded)
        wait_until_available(walker.endpoint, 2)
        tried = edited(loaded, label_it)
        walker.write(tried)
        load.wait_for(stable=1, canary=2)
        assert "model hashtags, version 2" in walker.run("serving.client")
        assert re.search(r"answered +[1-9]", walker.run("serving.load_test"))

        promoted = edited(tried, swap)
        walker.write(promoted)
        load.wait_for(stable=2, canary=1)
        walker.write(edited(promoted, back))
        load.wait_for(stable=1, canary=2)

        walker.write(promoted)
        load.wait_for(stable=2, canary=1)
        walker.write(
            start.replace("value: 1", "value: 2").replace("versions: 1", "versions: 1 versions: 2")
        )
        load.wait_for(stable=2, canary=2)
        walker.write(start.replace("value: 1", "value: 2").replace("versions: 1", "versions: 2"))
        with HashtagClient(walker.endpoint, "hashtags", version=1) as client:
            deadline = time.monotonic() + WAIT
            with pytest.raises(RequestError, match="serves no model 'hashtags' with version 1"):
                while time.monotonic() < deadline:
                    client.predict([photo(0)])
    assert not load.failures
    # Every answer is that of the version that it names.
    assert {answer for answers in load.answers.values() for answer in answers} == {
        (1, 0.3),
        (2, 1.3),
    }
