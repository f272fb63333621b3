"""Two workers on one machine: one is killed, both start again, and nothing has happened."""

import json
import os
import signal
import socket
import subprocess
import sys

import pytest
from tiny_dataset import write_dataset
from training_runs import assert_same_run

from tagkeras.train.workdir import Workdir

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]


def start_workers(dataset, workdir):
    sockets = [socket.create_server(("localhost", 0)) for _ in range(2)]
    workers = [f"localhost:{s.getsockname()[1]}" for s in sockets]
    for s in sockets:
        s.close()
    options = {"data": dataset, "workdir": workdir, "strategy": "multi_worker", "epochs": 6}
    options |= {"batch_size": 50, "rank": 8, "embedding_dim": 8, "checkpoint_minutes": 0.001}
    flags = [f"--{name}={value}" for name, value in options.items()]
    return [
        subprocess.Popen(
            [sys.executable, "-u", "-m", "tagkeras.train", *flags],
            env={
                **os.environ,
                "TF_CONFIG": json.dumps(
                    {"cluster": {"worker": workers}, "task": {"type": "worker", "index": index}}
                ),
            },
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        for index in range(2)
    ]


def test_a_worker_is_killed(tmp_path):
    dataset = write_dataset(tmp_path / "dataset", posts=2000)
    for process in start_workers(dataset, tmp_path / "whole"):
        output, _ = process.communicate(timeout=300)
        assert process.returncode == 0, output

    chief, other = start_workers(dataset, tmp_path / "killed")
    for line in chief.stdout:
        if line.startswith("Epoch 3"):
            other.send_signal(signal.SIGKILL)
            break
    output, _ = chief.communicate(timeout=300)
    assert chief.returncode == 1, output
    assert "another worker cannot be reached any more" in output
    assert "Traceback" not in output
    other.communicate()

    outputs = []
    for process in start_workers(dataset, tmp_path / "killed"):
        output, _ = process.communicate(timeout=300)
        assert process.returncode == 0, output
        outputs.append(output)
    assert "resuming" in outputs[0]
    assert "wrote" in outputs[0]
    assert "wrote" not in outputs[1]
    assert_same_run(Workdir(tmp_path / "whole"), Workdir(tmp_path / "killed"))
