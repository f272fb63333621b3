"""Datasets that the tests share."""

import shutil

import pytest
from beam_helpers import give_images, make_posts, run, write_lines
from tiny_cnn import save_cnn


@pytest.fixture(scope="session")
def datasets(tmp_path_factory):
    """A dataset of each kind."""
    folder = tmp_path_factory.mktemp("datasets")
    rows = [*make_posts(300), "no json", {**make_posts(1)[0], "post_id": "old", "age": 900}]
    source = write_lines(folder / "posts.jsonl", rows)
    run(source, folder / "natural", test_fraction=0.3, num_shards=3)
    run(source, folder / "balanced", distribution="balanced", balance_target=5.0)
    save_cnn(folder / "cnn.keras")
    posts = write_lines(folder / "images.jsonl", give_images(make_posts(40), folder / "images"))
    run(posts, folder / "pictured", cnn=str(folder / "cnn.keras"))
    return folder


@pytest.fixture
def copy_dataset(datasets, tmp_path):
    """Copies the dataset of a name, to be damaged."""

    def make(name):
        shutil.copytree(datasets / name, tmp_path / "data")
        return tmp_path / "data"

    return make
