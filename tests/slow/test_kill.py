"""Training killed again and again at random moments ends as if nothing had happened."""

import random
import subprocess
import sys
import time

import numpy as np
import pytest
import tensorflow as tf
from tiny_dataset import write_dataset

from tagkeras.train.model import restore_model
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


def list_checkpoints(path):
    return sorted(path.glob("checkpoints/step-*"), key=lambda p: int(p.name.removeprefix("step-")))


def read_last_checkpoint(workdir):
    folder = list_checkpoints(workdir.path)[-1]
    reader = tf.train.load_checkpoint(str(folder / "variables"))
    names = [name for name in reader.get_variable_to_shape_map() if not name.startswith("_")]
    variables = {name: reader.get_tensor(name) for name in names}
    return variables, (folder / "state.json").read_text()


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
            before = list_checkpoints(tmp_path / "killed")
            for line in process.stdout:
                said.append(line)
                if line.startswith("Epoch"):
                    break
            # From the first step, which takes long, to some checkpoints later.
            while list_checkpoints(tmp_path / "killed") == before and process.poll() is None:
                time.sleep(0.01)
            time.sleep(rng.uniform(0, 2))
            process.kill()
    with start(dataset, tmp_path / "killed", **options) as process:
        output, _ = process.communicate()
    assert process.returncode == 0, output
    assert any("after step" in line for line in said), said  # in the middle of an epoch
    assert not any("cannot be read" in line for line in said), said

    whole, killed = Workdir(tmp_path / "whole"), Workdir(tmp_path / "killed")
    for a, b in zip(restore_model(whole).weights, restore_model(killed).weights, strict=True):
        np.testing.assert_array_equal(a, b)
    (variables, state), (others, other_state) = map(read_last_checkpoint, (whole, killed))
    assert variables.keys() == others.keys()
    for name, value in variables.items():
        np.testing.assert_array_equal(value, others[name], err_msg=name)
    assert state == other_state
    assert whole.history.read_bytes() == killed.history.read_bytes()
    assert whole.best_epoch() == killed.best_epoch()
    assert not list(killed.path.rglob(".*"))  # what was being written
