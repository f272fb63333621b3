"""The command with its real trainings, killed and resumed, on tiny datasets."""

import shutil
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


def finish(folder, *flags):
    with start(folder, *flags) as process:
        output, _ = process.communicate()
    assert process.returncode == 0, output
    return output


def times_of(folder):
    return {path: path.stat().st_mtime_ns for path in sorted(folder.rglob("*")) if path.is_file()}


def kill_in_second_run(folder, out):
    """Waits until the first run is finished and the second is at work."""
    started = out / "runs" / SECOND / "config.json"
    with start(folder, f"--output={out}", "--parallel=1") as process:
        while not started.exists():
            assert process.poll() is None, process.stdout.read()
            time.sleep(0.05)
        process.send_signal(signal.SIGKILL)
        process.communicate()


def test_a_killed_experiment_resumes(folder):
    out = folder / "out"
    kill_in_second_run(folder, out)
    assert (out / "evaluations" / FIRST / "metrics.json").exists()
    assert not (out / "tables").exists()
    before = {name: times_of(out / name / FIRST) for name in ("runs", "evaluations")}
    output = finish(folder, f"--output={out}", "--parallel=2")
    assert output.splitlines()[-1].startswith(f"wrote {out}/tables, ")
    assert f"{SECOND} (" in output
    assert f"{FIRST} (" not in output
    for name, times in before.items():
        assert times_of(out / name / FIRST) == times
    table = (out / "tables" / "natural.md").read_text()
    for method in ("frequency baseline", "neighbour baseline", "| bilinear | 4 |  |", "| 4 | 3 |"):
        assert method in table
    assert "multiplicative_over_bilinear" in (out / "findings.json").read_text()


def test_a_damaged_dataset_fails_its_runs_alone(folder):
    broken = folder / "broken"
    shutil.copytree(folder / "data", broken)
    for shard in (broken / "train").iterdir():
        shard.write_bytes(shard.read_bytes()[:-7])
    spec = folder / "two.yaml"
    write_spec(
        spec,
        {"broken": broken, "natural": folder / "data"},
        train={"epochs": 1},
        evaluate={"bootstrap_samples": 100},
    )
    with start(folder, f"--spec={spec}", f"--output={folder / 'two'}") as process:
        output, _ = process.communicate()
    assert process.returncode == 1
    log = folder / "two" / "logs" / "broken" / "bilinear-d8-seed0.log"
    assert output.splitlines()[-1].startswith(
        "python -m tagkeras.experiment: broken/bilinear-d8-seed0 of 2 runs failed, see"
        f" {log}; no tables were written: "
    )
    assert "  python -m tagkeras.train: " in output  # the end of the log
    assert (folder / "two" / "evaluations" / "natural" / "bilinear-d8-seed0").exists()
    assert [path.name for path in (folder / "two" / "evaluations").iterdir()] == ["natural"]
