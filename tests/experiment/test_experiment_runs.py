"""Runs side by side: order, failures, interruptions, the death of their parent."""

import contextlib
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import pytest

from tagkeras.cli.errors import UserError
from tagkeras.experiment import make_runs
from tagkeras.experiment.make_runs import share_machine
from tagkeras.experiment.spec import Configuration, Run

CHECKOUT = Path(__file__).parents[2]
# Waits until a file of each of two runs is there, having made its own.
MEET = """
import pathlib, sys, time
folder, name = pathlib.Path(sys.argv[1]), sys.argv[2]
(folder / name).touch()
while len(list(folder.glob("*-seed?"))) < 2:
    time.sleep(0.01)
"""
APPEND = "import sys; open(sys.argv[1] + '/calls', 'a').write(sys.argv[2] + ' ')"


@pytest.fixture
def make(tmp_path, monkeypatch):
    """Makes runs whose commands are pieces of Python that get a folder and the run's name."""
    monkeypatch.setattr(make_runs, "_describe", lambda folder, run, status: f"exit {status}")

    def run(seeds, commands, environments=({},)):
        runs = [Run("d", Configuration("bilinear", 8), seed) for seed in range(seeds)]
        monkeypatch.setattr(
            make_runs,
            "commands_of",
            lambda folder, spec, run, baselines: [
                ["-c", code, str(tmp_path), run.name] for code in commands(run.seed)
            ],
        )
        make_runs.make_runs(tmp_path, SimpleNamespace(runs=runs), environments)
        return tmp_path

    return run


def test_as_many_at_a_time_as_environments(make):
    """Each of two waits for the other: one after the other they would never end."""
    make(2, lambda seed: [MEET], [{}, {}])


def test_one_at_a_time_in_order(make):
    folder = make(3, lambda seed: [APPEND, APPEND])
    names = [f"bilinear-d8-seed{seed}" for seed in (0, 0, 1, 1, 2, 2)]
    assert (folder / "calls").read_text().split() == names


def test_a_failure_ends_its_run_and_no_other(make, tmp_path, capfd):
    codes = {
        0: ["print('oh'); raise SystemExit(3)", APPEND],
        1: ["import os, signal; os.kill(os.getpid(), signal.SIGKILL)"],
        2: [APPEND],
    }
    with pytest.raises(UserError, match="d/bilinear-d8-seed0 and 1 others of 3 runs failed, see"):
        make(3, codes.get)
    assert (tmp_path / "calls").read_text() == "bilinear-d8-seed2 "
    lines = capfd.readouterr().err.splitlines()
    assert [line.rpartition(": ")[2] for line in lines[:3]] == ["exit 3", "exit -9", "exit 0"]
    assert (tmp_path / "logs" / "d" / "bilinear-d8-seed0.log").read_text().endswith("oh\n")


def test_logs_are_appended_to_and_environments_are_given(make):
    code = "import os; print(os.environ['OMP_NUM_THREADS'])"
    for threads in ("1", "7"):
        folder = make(1, lambda seed: [code], [{"OMP_NUM_THREADS": threads}])
    lines = (folder / "logs" / "d" / "bilinear-d8-seed0.log").read_text().splitlines()
    assert [line for line in lines if not line.startswith("$")] == ["1", "7"]


PARENT = """
import signal, sys
from types import SimpleNamespace
from pathlib import Path
from tagkeras.experiment import make_runs
from tagkeras.experiment.spec import Configuration, Run
# Who starts these tests in the background may have the signal ignored.
signal.signal(signal.SIGINT, signal.default_int_handler)
code = "import os, sys, time; open(sys.argv[1], 'w').write(str(os.getpid())); time.sleep(600)"
runs = [Run(name, Configuration("bilinear", 8), 0) for name in "abc"]
make_runs.commands_of = lambda folder, spec, run, baselines: [
    ["-c", code, f"{folder}/{run.dataset}.part"]
]
try:
    make_runs.make_runs(Path(sys.argv[1]), SimpleNamespace(runs=runs), [{}, {}])
except KeyboardInterrupt:
    sys.exit(130)
"""


def wait_for(condition, seconds=60):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)


def is_alive(pid):
    with contextlib.suppress(FileNotFoundError):
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    return False


@pytest.mark.skipif(sys.platform != "linux", reason="children outlive a killed parent elsewhere")
@pytest.mark.parametrize(
    ("sent", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 130), (signal.SIGKILL, -9)]
)
def test_no_run_outlives_the_experiment(tmp_path, sent, status):
    parent = subprocess.Popen([sys.executable, "-c", PARENT, str(tmp_path)], cwd=CHECKOUT)
    try:
        files = [tmp_path / "a.part", tmp_path / "b.part"]
        wait_for(lambda: all(file.exists() and file.read_text() for file in files))
        children = [int(file.read_text()) for file in files]
        parent.send_signal(sent)
        assert parent.wait(60) == status
        wait_for(lambda: not any(map(is_alive, children)))
        assert not (tmp_path / "c.part").exists()
    finally:
        parent.kill()
        parent.wait()


def test_shares_of_the_machine(monkeypatch):
    names = ("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS", "OMP_NUM_THREADS")
    for name in (*names, "CUDA_VISIBLE_DEVICES", "TF_FORCE_GPU_ALLOW_GROWTH"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("os.sched_getaffinity", lambda pid: range(5), raising=False)

    def threads(parallel, num_runs):
        shares = share_machine(parallel, num_runs, 0)
        assert all(share[name] == share[names[0]] for share in shares for name in names)
        return [share[names[0]] for share in shares]

    assert threads(None, 10) == ["1"] * 5
    assert threads(None, 2) == ["2"] * 2
    assert threads(8, 10) == ["1"] * 8
    shares = share_machine(None, 10, 2)
    assert [share["CUDA_VISIBLE_DEVICES"] for share in shares] == ["0", "1"]
    assert shares[0]["TF_FORCE_GPU_ALLOW_GROWTH"] == "true"
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "4,7")
    monkeypatch.setenv("OMP_NUM_THREADS", "3")  # a user who knows better
    shares = share_machine(3, 10, 2)
    assert [share["CUDA_VISIBLE_DEVICES"] for share in shares] == ["4", "7", "4"]
    assert "OMP_NUM_THREADS" not in shares[0]
