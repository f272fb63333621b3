"""Processes side by side: order, failures, interruptions, the death of their parent."""

import contextlib
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from tagkeras.experiment.cores import choose_parallel, share_out, visible_gpus
from tagkeras.experiment.jobs import Job, run_jobs
from tagkeras.experiment.run_reports import RunReports, describe_seconds, last_lines

CHECKOUT = Path(__file__).parents[2]
# Waits until as many files are there as its first argument says, having made one of its own.
MEET = """
import pathlib, sys, time
folder, name, number = pathlib.Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
(folder / name).touch()
while len(list(folder.iterdir())) < number:
    time.sleep(0.01)
"""


def job(folder, name, *codes, arguments=()):
    commands = [["-c", code, *map(str, arguments)] for code in codes]
    return Job(name=name, commands=commands, log=folder / "logs" / f"{name}.log")


def run(jobs, parallel=1, environment=None):
    ended = []
    outcomes = run_jobs(
        jobs, environments=[environment or {}] * parallel, on_end=lambda o: ended.append(o.job.name)
    )
    assert [outcome.job.name for outcome in outcomes] == ended
    return {outcome.job.name: outcome.status for outcome in outcomes}


def test_as_many_at_a_time_as_asked_for(tmp_path):
    """Each of two waits for the other: one after the other they would never end."""
    folder = tmp_path / "met"
    folder.mkdir()
    jobs = [job(tmp_path, name, MEET, arguments=(folder, name, 2)) for name in "ab"]
    assert run(jobs, parallel=2) == {"a": 0, "b": 0}


def test_one_at_a_time_in_order(tmp_path):
    file = tmp_path / "order"
    code = f"open({str(file)!r}, 'a').write(%r)"
    jobs = [job(tmp_path, name, code % f"{name}1 ", code % f"{name}2 ") for name in "abc"]
    assert run(jobs) == {"a": 0, "b": 0, "c": 0}
    assert file.read_text() == "a1 a2 b1 b2 c1 c2 "


def test_a_failure_ends_its_job_and_no_other(tmp_path):
    file = tmp_path / "after"
    jobs = [
        job(tmp_path, "bad", "print('oh'); raise SystemExit(3)", f"open({str(file)!r}, 'w')"),
        job(tmp_path, "killed", "import os, signal; os.kill(os.getpid(), signal.SIGKILL)"),
        job(tmp_path, "good", "import sys; print('well', file=sys.stderr)"),
    ]
    assert run(jobs) == {"bad": 3, "killed": -9, "good": 0}
    assert not file.exists()
    assert last_lines(tmp_path / "logs" / "bad.log")[-1] == "oh"
    assert last_lines(tmp_path / "logs" / "good.log")[-1] == "well"
    assert "$ python -c" in (tmp_path / "logs" / "good.log").read_text()


def test_logs_go_on_and_environments_are_given(tmp_path):
    code = "import os; print(os.environ['OMP_NUM_THREADS'])"
    for threads in ("1", "7"):
        run([job(tmp_path, "a", code)], environment={"OMP_NUM_THREADS": threads})
    lines = (tmp_path / "logs" / "a.log").read_text().splitlines()
    assert [line for line in lines if not line.startswith("$")] == ["1", "7"]


PARENT = """
import signal, sys, pathlib
from tagkeras.experiment.jobs import Job, run_jobs
# Who starts these tests in the background may have the signal ignored.
signal.signal(signal.SIGINT, signal.default_int_handler)
code = "import os, sys, time; open(sys.argv[1], 'w').write(str(os.getpid())); time.sleep(600)"
folder = pathlib.Path(sys.argv[1])
jobs = [
    Job(name=n, commands=[["-c", code, str(folder / f"{n}.part")]], log=folder / f"{n}.log")
    for n in "abc"
]
try:
    run_jobs(jobs, environments=[{}, {}], on_end=lambda outcome: None)
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
def test_no_child_outlives_its_parent(tmp_path, sent, status):
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


def test_how_many_at_a_time():
    on_cores = {"num_cores": 4, "num_gpus": 0}
    assert choose_parallel(None, num_runs=10, **on_cores) == 4
    assert choose_parallel(None, num_runs=3, **on_cores) == 3
    assert choose_parallel(2, num_runs=10, **on_cores) == 2
    assert choose_parallel(6, num_runs=10, **on_cores) == 6
    assert choose_parallel(None, num_runs=10, num_cores=16, num_gpus=2) == 2


def test_cores_and_gpus_are_shared_out(monkeypatch):
    names = ("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS", "OMP_NUM_THREADS")
    for name in (*names, "CUDA_VISIBLE_DEVICES", "TF_FORCE_GPU_ALLOW_GROWTH"):
        monkeypatch.delenv(name, raising=False)
    assert share_out(2, num_cores=5, gpus=[]) == [dict.fromkeys(names, "2")] * 2
    assert share_out(8, num_cores=2, gpus=[])[0] == dict.fromkeys(names, "1")
    shares = share_out(3, num_cores=6, gpus=["4", "7"])
    assert [share["CUDA_VISIBLE_DEVICES"] for share in shares] == ["4", "7", "4"]
    assert shares[0]["TF_FORCE_GPU_ALLOW_GROWTH"] == "true"
    monkeypatch.setenv("OMP_NUM_THREADS", "3")  # a user who knows better
    assert "OMP_NUM_THREADS" not in share_out(2, num_cores=4, gpus=[])[0]
    assert visible_gpus(2) == ["0", "1"]
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "5,6")
    assert visible_gpus(2) == ["5", "6"]


def test_what_is_said(tmp_path, capfd):
    log = tmp_path / "b.log"
    log.write_text("".join(f"line {number}\n" for number in range(40)))
    with RunReports(total=5, finished=1, parallel=2) as reports:
        reports.ended("a", 30.0, "R@10 50.0%")
        reports.failed("b", 50.0, log, 3)
    said = capfd.readouterr().err.splitlines()
    # 3 runs of 30 s, 2 at a time; then 2 of 40 s at once.
    assert said[0] == "a: R@10 50.0% (30 s; 2 of 5 runs, about 45 s left)"
    assert said[1].startswith("b failed with exit status 3, the end of ")
    assert said[1].endswith("(50 s; 3 of 5 runs, about 40 s left)")
    assert said[2:] == [f"  line {number}" for number in range(30, 40)]


def test_times_in_words():
    assert [describe_seconds(s) for s in (40, 720, 12600)] == ["40 s", "12 min", "3.5 h"]
