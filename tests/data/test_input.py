import collections
import dataclasses
import itertools

import numpy as np
import pytest
import tensorflow as tf
from tiny_dataset import write_dataset

from tagkeras.data import input as data_input
from tagkeras.data.manifest import Manifest
from tagkeras.errors import UserError


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    return write_dataset(tmp_path_factory.mktemp("input") / "dataset", posts=103)


def read_ids(dataset, first_epoch, epochs, seed=0):
    manifest = Manifest.load(dataset)
    batches = data_input.read_epochs(
        dataset, manifest, batch_size=20, seed=seed, first_epoch=first_epoch, epochs=epochs
    )
    return [batch["post_id"].numpy().tolist() for batch in batches]


def test_each_epoch_has_every_post_once_in_an_order_of_its_own(dataset):
    batches = read_ids(dataset, 0, 3)
    steps = data_input.steps_per_epoch(Manifest.load(dataset), 20)
    assert steps == 6
    assert [len(batch) for batch in batches] == [20, 20, 20, 20, 20, 3] * 3
    epochs = [list(itertools.chain(*batches[i : i + 6])) for i in (0, 6, 12)]
    everyone = {f"train{row}".encode() for row in range(103)}
    for epoch in epochs:
        assert collections.Counter(epoch) == collections.Counter(everyone)
    assert epochs[0] != epochs[1] != epochs[2]


def test_order_depends_on_seed_and_epoch_alone(dataset):
    assert read_ids(dataset, 1, 3) == read_ids(dataset, 0, 3)[6:]
    assert read_ids(dataset, 0, 1) != read_ids(dataset, 0, 1, seed=1)


def test_order_does_not_depend_on_the_global_seed(dataset):
    order = read_ids(dataset, 0, 2)
    for seed in (0, 7):
        tf.random.set_seed(seed)
        assert read_ids(dataset, 0, 2) == order


def test_posts_of_all_shards_mix(dataset):
    first_batch = read_ids(dataset, 0, 1)[0]
    shards = {int(post_id.removeprefix(b"train")) % 3 for post_id in first_batch}
    assert shards == {0, 1, 2}


def test_read_split_in_order(dataset):
    manifest = Manifest.load(dataset)
    batches = list(data_input.read_split(dataset, manifest, "test", 25))
    ids = np.concatenate([batch["post_id"].numpy() for batch in batches])
    assert ids.tolist() == [f"test{r}".encode() for s in range(3) for r in range(s, 60, 3)]
    assert batches[0]["descriptor"].shape == (25, 12)
    assert isinstance(batches[0]["tags"], tf.RaggedTensor)


def test_missing_shard_is_named(tmp_path):
    dataset = write_dataset(tmp_path / "dataset")
    next((dataset / "train").glob("*.tfrecord")).unlink()
    with pytest.raises(UserError, match=r"train: 2 shards, but dataset.json names 3"):
        read_ids(dataset, 0, 1)


def test_empty_split_is_named(tmp_path):
    dataset = write_dataset(tmp_path / "dataset", test=0)
    with pytest.raises(UserError, match="the test split has no posts"):
        data_input.read_split(dataset, Manifest.load(dataset), "test", 10)


def test_truncated_shard_is_no_silent_loss(tmp_path):
    dataset = write_dataset(tmp_path / "dataset")
    shard = next((dataset / "train").glob("*.tfrecord"))
    shard.write_bytes(shard.read_bytes()[:-7])
    with pytest.raises(UserError, match="a shard is corrupt"), data_input.named_errors(dataset):
        read_ids(dataset, 0, 1)


@pytest.mark.parametrize("change", [-300, 300])
def test_fewer_or_more_posts_than_the_manifest_says(tmp_path, change):
    dataset = write_dataset(tmp_path / "dataset")
    manifest = Manifest.load(dataset)
    manifest.splits["train"]["posts"] += change
    manifest.save(dataset)
    with pytest.raises(UserError, match="not the one that dataset.json describes"):
        with data_input.named_errors(dataset):
            read_ids(dataset, 0, 1)


def test_descriptors_of_another_size_than_the_manifest_says(tmp_path):
    dataset = write_dataset(tmp_path / "dataset")
    dataclasses.replace(Manifest.load(dataset), descriptor_size=13).save(dataset)
    with pytest.raises(UserError, match=r"a record is not as dataset.json .*\[20,12\].*\[\?,13\]"):
        with data_input.named_errors(dataset):
            read_ids(dataset, 0, 1)
