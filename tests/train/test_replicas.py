"""Replicas on two logical devices and in two processes make the steps of one device."""

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from tiny_dataset import write_dataset

from tagkeras.cli.errors import UserError
from tagkeras.train.replicas import is_first_worker, make_strategy

PROGRAM = Path(__file__).with_name("replicas_program.py")


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    # 420 posts and batches of 42: an odd number of posts a replica, and metrics of 5 slices.
    return write_dataset(tmp_path_factory.mktemp("replicas") / "dataset", posts=420, validation=77)


def start(strategy, dataset, optimizer, result, **environment):
    return subprocess.Popen(
        [sys.executable, str(PROGRAM), strategy, str(dataset), optimizer, str(result)],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def free_ports(count):
    sockets = [socket.create_server(("localhost", 0)) for _ in range(count)]
    ports = [s.getsockname()[1] for s in sockets]
    for s in sockets:
        s.close()
    return ports


@pytest.mark.slow
@pytest.mark.parametrize("optimizer", ["adagrad", "sgd"])
def test_fifty_steps_equal_those_of_one_device(dataset, tmp_path, optimizer):
    workers = [f"localhost:{port}" for port in free_ports(2)]
    processes = {
        name: start(name, dataset, optimizer, tmp_path / f"{name}.npz")
        for name in ("none", "mirrored")
    }
    for index in range(2):
        task = {"cluster": {"worker": workers}, "task": {"type": "worker", "index": index}}
        result = tmp_path / f"worker{index}.npz"
        processes[f"worker{index}"] = start(
            "multi_worker", dataset, optimizer, result, TF_CONFIG=json.dumps(task)
        )
    for name, process in processes.items():
        output, _ = process.communicate(timeout=240)
        assert process.returncode == 0, f"{name}: {output}"

    results = {name: np.load(tmp_path / f"{name}.npz") for name in processes}
    one = results.pop("none")
    assert one["replicas"] == 1
    for name, result in results.items():
        assert result["replicas"] == 2, name
        assert set(result) == set(one)
        for key in set(one) - {"replicas"}:
            np.testing.assert_allclose(
                result[key], one[key], rtol=1e-4, atol=2e-6, err_msg=f"{name}: {key}"
            )
    assert one["R@10"] > 0


@pytest.mark.parametrize(
    "config",
    [
        "",
        "not JSON",
        '{"cluster": {"worker": ["a:1"]}, "task": {"type": "worker", "index": 1}}',
        '{"cluster": {"worker": ["a:1"]}, "task": {"type": "ps", "index": 0}}',
    ],
)
def test_multi_worker_without_a_cluster(monkeypatch, config):
    monkeypatch.setenv("TF_CONFIG", config)
    with pytest.raises(UserError, match="TF_CONFIG.*set it on every worker"):
        make_strategy("multi_worker")


@pytest.mark.parametrize(
    ("task_type", "index", "others", "chief"),
    [
        ("worker", 0, {}, True),
        ("worker", 1, {}, False),
        ("worker", 0, {"chief": ["c:1"]}, False),
        ("chief", 0, {"chief": ["c:1"]}, True),
    ],
)
def test_chief(monkeypatch, task_type, index, others, chief):
    task = {"type": task_type, "index": index}
    config = {"cluster": {"worker": ["a:1", "b:1"], **others}, "task": task}
    monkeypatch.setenv("TF_CONFIG", json.dumps(config))
    assert is_first_worker() is chief
