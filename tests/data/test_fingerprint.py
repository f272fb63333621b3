import dataclasses
import shutil

import pytest
from tiny_dataset import write_dataset

from tagkeras.data.fingerprint import fingerprint
from tagkeras.data.manifest import Manifest
from tagkeras.data.vocabulary import Vocabulary


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    path = tmp_path_factory.mktemp("fingerprint") / "dataset"
    return write_dataset(path, posts=40, validation=10, test=10)


def fingerprint_of(dataset):
    return fingerprint(dataset, Manifest.load(dataset))


def test_sixteen_digits(dataset):
    found = fingerprint_of(dataset)
    assert len(found) == 16
    int(found, 16)


def test_the_same_wherever_it_lies(dataset, tmp_path):
    shutil.copytree(dataset, tmp_path / "copy")
    assert fingerprint_of(tmp_path / "copy") == fingerprint_of(dataset)
    # What tells nothing of posts: versions of libraries, and the folder that was read.
    manifest = dataclasses.replace(
        Manifest.load(dataset), versions={"keras": "9"}, input={"files": ["elsewhere"]}
    )
    assert fingerprint(dataset, manifest) == fingerprint_of(dataset)


@pytest.mark.parametrize(
    "options", [{"seed": 1}, {"posts": 41}, {"test": 11}, {"num_tags": 19}, {"n": 14}]
)
def test_another_dataset(dataset, tmp_path, options):
    sizes = {"posts": 40, "validation": 10, "test": 10}
    other = write_dataset(tmp_path / "other", **{**sizes, **options})
    assert fingerprint_of(other) != fingerprint_of(dataset)


@pytest.mark.parametrize(
    "changed",
    [
        {"seeds": {"split_seed": 1}},
        {"fractions": {"test": 0.2}},
        {"cnn": {"name": "VGG16"}},
        {"user_descriptor": {"countries": ["US"], "location_decimals": 1, "size": 6}},
    ],
)
def test_other_settings(dataset, changed):
    manifest = dataclasses.replace(Manifest.load(dataset), **changed)
    assert fingerprint(dataset, manifest) != fingerprint_of(dataset)


def test_another_vocabulary(dataset, tmp_path):
    shutil.copytree(dataset, tmp_path / "copy")
    path = tmp_path / "copy" / "vocabulary.tsv"
    vocabulary = Vocabulary.load(path)
    Vocabulary((*vocabulary.tags[:-1], "new"), vocabulary.counts).save(path)
    assert fingerprint_of(tmp_path / "copy") != fingerprint_of(dataset)
