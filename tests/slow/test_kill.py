"""Training killed again and again at random moments ends as if nothing had happened."""

import random
import subprocess
import sys
import time

import pytest
from tiny_dataset import write_dataset
from training_runs import assert_same_run

from tagkeras.train.workdir import Workdir

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

KILLS = 5


def start(dataset, workdir, **options):
    options = {
        "data": dataset,
        "workdir": workdir,
        "epochs": 6,
        "batch_size": 20,
        "rank": 8,
        "checkpoint_minutes": 0.01,
        **options,
    }
    flags = [f"--{name}={value}" for name, value in options.items()]
    command = [sys.executable, "-u", "-m", "tagkeras.train", *flags]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


@pytest.mark.parametrize(
    "options", [{"cache": "none"}, {"cache": "device", "steps_per_execution": 7}]
)
def test_killed_at_random_moments(tmp_path, options):
    dataset = write_dataset(tmp_path / "dataset", posts=6000)
    with start(dataset, tmp_path / "whole", **options) as process:
        output, _ = process.communicate()
    assert process.returncode == 0, output

    rng = random.Random(0)
    said = []
    for _ in range(KILLS):
        with start(dataset, tmp_path / "killed", **options) as process:
            workdir = Workdir(tmp_path / "killed")
            before = workdir.newest_checkpoint()
            for line in process.stdout:
                said.append(line)
                if line.startswith("Epoch"):
                    break
            # From the first step, which takes long, to some checkpoints later.
            while workdir.newest_checkpoint() == before and process.poll() is None:
                time.sleep(0.01)
            time.sleep(rng.uniform(0, 2))
            process.kill()
    with start(dataset, tmp_path / "killed", **options) as process:
        output, _ = process.communicate()
    assert process.returncode == 0, output
    assert any("after step" in line for line in said), said  # in the middle of an epoch
    assert not any("cannot be read" in line for line in said), said

    killed = Workdir(tmp_path / "killed")
    assert_same_run(Workdir(tmp_path / "whole"), killed)
    assert not list(killed.path.rglob(".*"))  # what was being written
