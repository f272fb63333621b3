"""Preprocessing killed at random moments: the old dataset or the new one, never a part of one."""

import random
import signal
import subprocess
import sys
import time

import pytest
from beam_helpers import check, give_images, make_posts, write_lines
from tiny_cnn import save_cnn

from beam.inspect.checks import inspect
from tagkeras.data.manifest import Manifest

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1500)]

KILLS = 20


def start(source, cnn, output, seed, workers):
    flags = {"input": source, "cnn": cnn, "output": output, "split_seed": seed}
    command = [sys.executable, "-m", "beam.preprocess"]
    command += [f"--{name}={value}" for name, value in flags.items()]
    command.append(f"--direct_num_workers={workers}")
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def finish(*arguments):
    started = time.monotonic()
    with start(*arguments) as process:
        output, _ = process.communicate()
    assert process.returncode == 0, output
    return time.monotonic() - started


def test_killed_at_random_moments(tmp_path):
    folder, output = tmp_path / "in", tmp_path / "datasets" / "out"
    rows = give_images(make_posts(300), folder / "images")
    source = write_lines(folder / "posts.jsonl", [*rows, "bad"])
    save_cnn(folder / "cnn.keras")
    cnn = folder / "cnn.keras"
    whole = finish(source, cnn, output, 0, 1)
    seed, rng = 0, random.Random(0)
    outcomes = set()
    for kill in range(1, KILLS + 1):
        # The early part is imports alone: most kills fall into the work, some into its very end.
        after = whole * (rng.uniform(0.5, 1.05) if kill % 4 else rng.uniform(0.0, 0.5))
        with start(source, cnn, output, kill, 2 if kill % 5 == 0 else 1) as process:
            try:
                process.wait(timeout=after)
            except subprocess.TimeoutExpired:
                process.send_signal(signal.SIGKILL)
        manifest = Manifest.load(output)
        # The seed tells whose dataset stands there.
        assert manifest.seeds["split"] in (seed, kill)
        outcomes.add(manifest.seeds["split"] == kill)
        seed = manifest.seeds["split"]
        for leftover in output.parent.iterdir():
            assert leftover == output or leftover.name.endswith(".tmp")
        assert inspect(str(output), num_samples=0)[2] == []
    assert False in outcomes
    finish(source, cnn, output, KILLS + 1, 1)
    manifest = Manifest.load(output)
    assert manifest.seeds["split"] == KILLS + 1
    # Nothing of the killed runs is left, whole or in parts.
    check(manifest, output)
    assert list(output.parent.iterdir()) == [output]
