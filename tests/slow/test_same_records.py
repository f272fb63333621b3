"""A dataset has the same records in one process and in several, in few shards and in many."""

import pytest
from beam_helpers import check_same, give_images, make_posts, run, write_lines
from tiny_cnn import save_cnn

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


@pytest.mark.parametrize(("workers", "num_shards"), [(1, 1), (1, 13), (2, 4)])
@pytest.mark.parametrize("kind", ["descriptors", "images"])
def test_whatever_the_processes_and_shards(tmp_path, kind, workers, num_shards):
    rows = make_posts(3000 if kind == "descriptors" else 600)
    rows[17]["post_id"] = rows[3]["post_id"]
    flags = {"distribution": "balanced", "split_seed": 2, "min_tag_users": 2}
    if kind == "images":
        rows = give_images(rows, tmp_path / "images")
        save_cnn(tmp_path / "cnn.keras")
        flags |= {"cnn": str(tmp_path / "cnn.keras"), "descriptor_dtype": "float32"}
    for number in range(3):
        write_lines(tmp_path / f"posts{number}.jsonl", rows[number::3])
    source = tmp_path / "posts*.jsonl"
    expected = run(source, tmp_path / "expected", **flags)
    workers_flag = f"--direct_num_workers={workers}"
    manifest = run(source, tmp_path / "out", workers_flag, num_shards=num_shards, **flags)
    assert manifest.counts == expected.counts
    assert manifest.distribution == expected.distribution
    check_same(
        tmp_path / "out",
        tmp_path / "expected",
        descriptors_within=2e-3 if kind == "images" else 0.0,
    )
