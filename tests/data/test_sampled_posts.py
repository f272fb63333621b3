import numpy as np
import pytest
from scipy import stats
from tiny_dataset import write_dataset

from tagkeras.cli.errors import UserError
from tagkeras.data import sampled_posts
from tagkeras.data.input import named_errors
from tagkeras.data.manifest import Manifest
from tagkeras.data.sampled_posts import sample_posts


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    return write_dataset(tmp_path_factory.mktemp("sampled") / "dataset", posts=303)


def sampled_ids(dataset, num_posts, split="train", **options):
    batches = list(sample_posts(dataset, Manifest.load(dataset), split, num_posts, 25, **options))
    assert [len(batch["descriptor"]) for batch in batches[:-1]] == [25] * (len(batches) - 1)
    return [name.decode() for batch in batches for name in batch["post_id"].numpy()]


def test_so_many_none_twice_the_same_each_time(dataset):
    ids = sampled_ids(dataset, 110)
    assert len(ids) == len(set(ids)) == 110
    assert set(ids) < {f"train{row}" for row in range(303)}
    assert sampled_ids(dataset, 110) == ids
    assert sampled_ids(dataset, 110, seed=1) != ids


def test_all_of_a_split_that_has_fewer(dataset):
    ids = sampled_ids(dataset, 1000, split="test")
    assert sorted(ids) == sorted(f"test{row}" for row in range(60))
    assert ids != sorted(ids)


def test_every_post_is_as_likely_at_every_place(dataset, monkeypatch):
    monkeypatch.setattr(sampled_posts, "_READ_BATCH", 7)  # the last read is shorter
    rows = np.array(
        [[int(name[5:]) for name in sampled_ids(dataset, 30, seed=seed)] for seed in range(25)]
    )
    for some in (rows.ravel(), rows[:, :10].ravel(), rows[:, -10:].ravel()):
        counts = np.bincount(some // 31, minlength=10)
        expected = np.bincount(np.arange(303) // 31) * len(some) / 303
        assert stats.chisquare(counts, expected).pvalue > 1e-3


def test_damage_is_named(tmp_path):
    dataset = write_dataset(tmp_path / "dataset", posts=40)
    shard = next((dataset / "train").glob("*"))
    shard.write_bytes(shard.read_bytes()[:-3])
    with pytest.raises(UserError, match=shard.name), named_errors(dataset):
        sampled_ids(dataset, 5)


def test_an_empty_split_is_named(tmp_path):
    dataset = write_dataset(tmp_path / "dataset", validation=0)
    with pytest.raises(UserError, match="the validation split has no posts"):
        sampled_ids(dataset, 5, split="validation")
