"""Preprocessing on runners of other processes: a real Flink cluster, and Beam's Prism."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from beam_helpers import check_same, give_images, make_posts, run, write_lines
from clusters import flink_cluster, worker_pool
from tiny_cnn import save_cnn

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(600)]

ROOT = Path(__file__).parents[2]
CLUSTER = ROOT / ".cluster"
FLINK = CLUSTER / "flink-1.19.3" / "pyflink"
JOB_SERVER = CLUSTER / "job-server" / "flink-job-server.jar"
PRISM = CLUSTER / "bin" / "prism"
BOOT = CLUSTER / "bin" / "container"
FILES, POSTS, IMAGES = 8, 2000, 300

needs_clusters = pytest.mark.skipif(not JOB_SERVER.exists(), reason="`make cluster` was not run")


@pytest.fixture(scope="module")
def posts(tmp_path_factory):
    """A folder of posts, and what the in-process runner makes of them."""
    folder = tmp_path_factory.mktemp("posts")
    rows = make_posts(POSTS)
    for number in range(FILES):
        write_lines(folder / f"posts{number}.jsonl", rows[number::FILES])
    write_lines(folder / "plain", rows)
    subprocess.run(["gzip", "--keep", "--suffix=.jsonl.gz", str(folder / "plain")], check=True)
    whole = (folder / "plain.jsonl.gz").read_bytes()
    (folder / "truncated.jsonl.gz").write_bytes(whole[: len(whole) // 2])
    run(folder / "posts*.jsonl", folder / "expected")
    save_cnn(folder / "cnn.keras")
    write_lines(folder / "images.jsonl", give_images(make_posts(IMAGES), folder / "images"))
    flags = {"cnn": str(folder / "cnn.keras"), "descriptor_dtype": "float32"}
    run(folder / "images.jsonl", folder / "expected_images", **flags)
    return folder


@pytest.fixture(scope="module")
def pool(tmp_path_factory):
    environment = {"PYTHONPATH": str(ROOT)}
    with worker_pool(tmp_path_factory.mktemp("pool"), BOOT, environment) as address:
        yield address


@pytest.fixture(scope="module")
def flink(tmp_path_factory):
    with flink_cluster(FLINK, tmp_path_factory.mktemp("flink")) as cluster:
        yield cluster


def preprocess(posts, source, output, *arguments):
    """Runs the command; its paths are relative to a folder that the workers are not in."""
    command = [sys.executable, "-m", "beam.preprocess", f"--input={source}", f"--output={output}"]
    command += [f"--id_key_file={posts / 'key'}", *arguments]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.run(command, cwd=posts, env=environment, capture_output=True, text=True)


def check_run(posts, name, *arguments):
    done = preprocess(posts, "posts*.jsonl", name, *arguments)
    assert done.returncode == 0, done.stderr
    check_same(posts / name, posts / "expected")
    images = ["--cnn=cnn.keras", "--descriptor_dtype=float32", *arguments]
    with_images = preprocess(posts, "images.jsonl", f"{name}_images", *images)
    assert with_images.returncode == 0, with_images.stderr
    check_same(posts / f"{name}_images", posts / "expected_images", descriptors_within=2e-3)
    lines = done.stderr.splitlines()
    assert all(line.startswith(("reading posts: ", "writing: ")) for line in lines), done.stderr


def check_user_error(posts, name, *arguments):
    done = preprocess(posts, "truncated.jsonl.gz", name, *arguments)
    assert done.returncode == 1
    line = done.stderr.splitlines()[-1]
    assert line.startswith("python -m beam.preprocess: ")
    assert "truncated.jsonl.gz: cannot be read: Compressed file ended" in line
    assert not (posts / name).exists()


@needs_clusters
def test_flink(posts, flink, pool):
    arguments = flink.arguments(JOB_SERVER, pool)
    check_run(posts, "flink", *arguments)
    jobs = flink.jobs()
    assert [job.state for job in jobs] == ["FINISHED"] * 4
    assert all(job.parallelism == {2} for job in jobs)
    for job in jobs[:2]:
        # Both tasks took a share of the files, and of the shards.
        shares = [reads for name, reads in job.records_read.items() if "Read, Parse" in name]
        shares += [reads for name, reads in job.records_read.items() if "WriteShards" in name]
        assert shares
        assert all(min(reads) > 0 for reads in shares), shares
    check_user_error(posts, "none", *arguments)
    assert flink.jobs()[-1].state == "FAILED"


@needs_clusters
def test_prism(posts, pool):
    arguments = ["--runner=PrismRunner", f"--prism_location={PRISM}"]
    check_run(posts, "prism", *arguments)
    external = [*arguments, "--environment_type=EXTERNAL", f"--environment_config={pool}"]
    check_run(posts, "prism_pool", *external)
    check_user_error(posts, "none", *external)
