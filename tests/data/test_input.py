import numpy as np
import pytest
import tensorflow as tf
from tiny_dataset import write_dataset

from tagkeras.cli.errors import UserError
from tagkeras.data import input as data_input
from tagkeras.data.manifest import Manifest


def test_read_split_in_order(tmp_path):
    dataset = write_dataset(tmp_path / "dataset", posts=103)
    manifest = Manifest.load(dataset)
    batches = list(data_input.read_split(dataset, manifest, "test", 25))
    ids = np.concatenate([batch["post_id"].numpy() for batch in batches])
    assert ids.tolist() == [f"test{r}".encode() for s in range(3) for r in range(s, 60, 3)]
    assert batches[0]["descriptor"].shape == (25, 12)
    assert isinstance(batches[0]["tags"], tf.RaggedTensor)


def test_empty_split_is_named(tmp_path):
    dataset = write_dataset(tmp_path / "dataset", test=0)
    with pytest.raises(UserError, match="the test split has no posts"):
        data_input.read_split(dataset, Manifest.load(dataset), "test", 10)
