"""The command with its real trainings, killed and resumed, on tiny datasets."""

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from experiment_helpers import write_spec
from tiny_dataset import write_dataset

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

CHECKOUT = Path(__file__).parents[2]
FIRST, SECOND = "natural/bilinear-d4-seed0", "natural/multiplicative-d4-k3-seed0"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("killed")
    dataset = write_dataset(folder / "data", people=4)
    write_spec(
        folder / "spec.yaml",
        {"natural": dataset},
        grid=[
            {"model": "bilinear", "embedding_dim": [4]},
            {"model": "multiplicative", "embedding_dim": [4], "rank": [3]},
        ],
        train={"epochs": 3, "batch_size": 50},
        evaluate={"bootstrap_samples": 100},
    )
    return folder


def start(folder, *flags):
    return subprocess.Popen(
        [sys.executable, "-m", "tagkeras.experiment", f"--spec={folder / 'spec.yaml'}", *flags],
        cwd=CHECKOUT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def times_of(folder):
    return {path: path.stat().st_mtime_ns for path in sorted(folder.rglob("*")) if path.is_file()}


def test_a_killed_experiment_resumes(folder):
    out = folder / "out"
    with start(folder, f"--output={out}", "--parallel=1") as process:
        while not (out / "runs" / SECOND / "config.json").exists():
            assert process.poll() is None, process.stdout.read()
            time.sleep(0.05)
        process.send_signal(signal.SIGKILL)
        process.communicate()
    assert (out / "evaluations" / FIRST / "metrics.json").exists()
    assert not (out / "tables").exists()
    before = {name: times_of(out / name / FIRST) for name in ("runs", "evaluations")}
    with start(folder, f"--output={out}", "--parallel=2") as process:
        output, _ = process.communicate()
    assert process.returncode == 0, output
    assert output.splitlines()[-1].startswith(f"wrote {out}/tables, ")
    assert f"{SECOND} (" in output
    assert f"{FIRST} (" not in output
    for name, times in before.items():
        assert times_of(out / name / FIRST) == times
    table = (out / "tables" / "natural.md").read_text()
    for method in ("frequency baseline", "neighbour baseline", "| bilinear | 4 |  |", "| 4 | 3 |"):
        assert method in table
    assert "multiplicative_over_bilinear" in (out / "findings.json").read_text()
