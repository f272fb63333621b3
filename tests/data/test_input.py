import numpy as np
import pytest
import tensorflow as tf
from scipy import stats
from tiny_dataset import write_dataset

import tagkeras
from tagkeras.cli.errors import UserError
from tagkeras.data import input as data_input
from tagkeras.data.manifest import Manifest


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    return write_dataset(tmp_path_factory.mktemp("input") / "dataset", posts=303)


def sample_ids(dataset, num_posts, split="train", **options):
    batches = list(
        data_input.sample_posts(dataset, Manifest.load(dataset), split, num_posts, 25, **options)
    )
    assert [len(batch["descriptor"]) for batch in batches[:-1]] == [25] * (len(batches) - 1)
    return [name.decode() for batch in batches for name in batch["post_id"].numpy()]


def test_read_split_in_order(dataset):
    batches = list(data_input.read_split(dataset, Manifest.load(dataset), "test", 25))
    ids = np.concatenate([batch["post_id"].numpy() for batch in batches])
    assert ids.tolist() == [f"test{r}".encode() for s in range(3) for r in range(s, 60, 3)]
    assert batches[0]["descriptor"].shape == (25, 12)
    assert isinstance(batches[0]["tags"], tf.RaggedTensor)


@pytest.mark.parametrize("read", [data_input.read_split, data_input.sample_posts])
def test_empty_split_is_named(tmp_path, read):
    dataset = write_dataset(tmp_path / "dataset", test=0)
    arguments = (10,) if read is data_input.read_split else (10, 5)
    with pytest.raises(UserError, match="the test split has no posts"):
        read(dataset, Manifest.load(dataset), "test", *arguments)


def test_load_gives_inputs_and_tags(dataset):
    def read(split, **options):
        batches = tagkeras.data.load(dataset, split, batch_size=100, **options)
        return [[inputs["descriptor"].numpy(), tags] for inputs, tags in batches]

    (first, _), *_, (last, tags) = read("train")
    assert len(first) == 100
    assert len(last) == 3
    assert set(tags) == {"tags", "tags_removed", "out_of_vocabulary"}
    one, other = (np.concatenate([batch for batch, _ in read("train", seed=s)]) for s in (0, 1))
    assert not np.array_equal(one, other)
    np.testing.assert_array_equal(np.sort(one, axis=0), np.sort(other, axis=0))
    in_order = data_input.read_split(dataset, Manifest.load(dataset), "test", 100)
    np.testing.assert_array_equal(read("test")[0][0], next(iter(in_order))["descriptor"])


def test_each_pass_over_the_train_split_has_an_order_of_its_own(dataset):
    posts = tagkeras.data.load(dataset, batch_size=303)
    one, other = (next(inputs["descriptor"].numpy() for inputs, _ in posts) for _ in range(2))
    assert not np.array_equal(one, other)


def test_a_sample_is_distinct_and_repeatable(dataset):
    ids = sample_ids(dataset, 110)
    assert len(ids) == len(set(ids)) == 110
    assert set(ids) < {f"train{row}" for row in range(303)}
    assert sample_ids(dataset, 110) == ids
    assert sample_ids(dataset, 110, seed=1) != ids


def test_a_sample_of_more_than_there_are_has_all(dataset):
    ids = sample_ids(dataset, 1000, split="test")
    assert sorted(ids) == sorted(f"test{row}" for row in range(60))
    assert ids != sorted(ids)


def test_every_post_is_as_likely_at_every_place(dataset, monkeypatch):
    monkeypatch.setattr(data_input, "_SAMPLED_TOGETHER", 7)  # the last read is shorter
    rows = np.array(
        [[int(name[5:]) for name in sample_ids(dataset, 30, seed=seed)] for seed in range(25)]
    )
    for some in (rows.ravel(), rows[:, :10].ravel(), rows[:, -10:].ravel()):
        counts = np.bincount(some // 31, minlength=10)
        expected = np.bincount(np.arange(303) // 31) * len(some) / 303
        assert stats.chisquare(counts, expected).pvalue > 1e-3
