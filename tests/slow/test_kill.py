"""Training killed again and again at random moments ends as if nothing had happened."""

import random
import signal
import subprocess
import sys

import numpy as np
import pytest
from tiny_dataset import write_dataset

from tagkeras.training.restore import restore_model
from tagkeras.training.workdir import Workdir

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

KILLS = 6


def start(dataset, workdir):
    options = {"data": dataset, "workdir": workdir, "epochs": 8, "batch_size": 20, "rank": 8}
    flags = [f"--{name}={value}" for name, value in options.items()]
    command = [sys.executable, "-u", "-m", "tagkeras.train", *flags]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def test_killed_at_random_moments(tmp_path):
    dataset = write_dataset(tmp_path / "dataset", posts=3000)
    with start(dataset, tmp_path / "whole") as process:
        process.communicate()
    assert process.returncode == 0

    rng = random.Random(0)
    for _ in range(KILLS):
        with start(dataset, tmp_path / "killed") as process:
            try:
                # From within the imports to some epochs later.
                process.wait(timeout=rng.uniform(3, 14))
            except subprocess.TimeoutExpired:
                process.send_signal(signal.SIGKILL)
    with start(dataset, tmp_path / "killed") as process:
        output, _ = process.communicate()
    assert process.returncode == 0, output

    whole, killed = Workdir(tmp_path / "whole"), Workdir(tmp_path / "killed")
    for a, b in zip(restore_model(whole).weights, restore_model(killed).weights, strict=True):
        np.testing.assert_array_equal(a, b)
    assert whole.history.read_text() == killed.history.read_text()
    assert whole.best_epoch() == killed.best_epoch()
