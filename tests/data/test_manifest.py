import dataclasses
import json
import shutil

import pytest
from tiny_dataset import write_dataset

from tagkeras.cli.errors import UserError
from tagkeras.data.facts import FactSchema
from tagkeras.data.manifest import Manifest, fingerprint
from tagkeras.data.vocabulary import Vocabulary

MANIFEST = Manifest(
    descriptor_size=4,
    descriptor_dtype="float16",
    num_tags=3,
    splits={"train": {"posts": 5, "shards": 1}},
    user_descriptor={"countries": ["US"], "location_decimals": 1, "size": 6},
    counts={"posts_read": 7, "rejected": {"bad_age": 2}},
)


def test_round_trip(tmp_path):
    MANIFEST.save(tmp_path)
    assert Manifest.load(tmp_path) == MANIFEST


def test_ignores_what_a_later_writer_of_the_format_adds(tmp_path):
    values = {**dataclasses.asdict(MANIFEST), "more": 1}
    (tmp_path / "dataset.json").write_text(json.dumps(values))
    assert Manifest.load(tmp_path) == MANIFEST


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (None, "No such file"),
        ("{", "not JSON"),
        ("[]", "format version None"),
        ('{"format_version": 99}', "format version 99, this program reads 1"),
        ('{"format_version": 1}', "no 'descriptor_size'"),
    ],
)
def test_says_what_is_wrong_and_what_to_run(tmp_path, text, words):
    if text is not None:
        (tmp_path / "dataset.json").write_text(text)
    with pytest.raises(UserError, match=words) as raised:
        Manifest.load(tmp_path)
    assert "dataset.json" in str(raised.value)
    assert "python -m beam.preprocess" in str(raised.value)
    assert "\n" not in str(raised.value)


def test_facts_that_say_nothing_are_masked():
    facts = FactSchema(("US",), 1, {"camera": ("a", "b"), "job": ()}, {"price": (0.0, 1.0)})
    varies = [True, False, False, False, False, False, False, True, True]
    described = facts.to_dict() | {"varies": varies}
    manifest = dataclasses.replace(MANIFEST, user_descriptor=described)
    assert manifest.masked_facts == ("gender", "country", "place", "job")
    assert [fact.name for fact in manifest.telling_facts] == ["age", "camera", "price"]
    # A dataset that does not tell masks nothing.
    assert MANIFEST.varies == (True,) * 6
    assert MANIFEST.masked_facts == ()


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    path = tmp_path_factory.mktemp("fingerprint") / "dataset"
    return write_dataset(path, posts=40, validation=10, test=10)


def fingerprint_of(dataset):
    return fingerprint(dataset, Manifest.load(dataset))


def test_fingerprint_is_the_same_wherever_a_dataset_lies(dataset, tmp_path):
    shutil.copytree(dataset, tmp_path / "copy")
    assert len(bytes.fromhex(fingerprint_of(dataset))) == 8
    assert fingerprint_of(tmp_path / "copy") == fingerprint_of(dataset)
    # What tells nothing of posts: versions of libraries, and the folder that was read.
    manifest = dataclasses.replace(
        Manifest.load(dataset), versions={"keras": "9"}, input={"files": ["elsewhere"]}
    )
    assert fingerprint(dataset, manifest) == fingerprint_of(dataset)


@pytest.mark.parametrize(
    "changed",
    [
        {"num_tags": 19},
        {"descriptor_size": 14},
        {"splits": {"train": {"posts": 41, "shards": 3}}},
        {"seeds": {"split_seed": 1}},
        {"fractions": {"test": 0.2}},
        {"cnn": {"name": "VGG16"}},
        {"user_descriptor": {"countries": ["US"], "location_decimals": 1, "size": 6}},
    ],
)
def test_fingerprint_of_other_sizes_and_settings(dataset, changed):
    manifest = dataclasses.replace(Manifest.load(dataset), **changed)
    assert fingerprint(dataset, manifest) != fingerprint_of(dataset)


def test_fingerprint_of_another_vocabulary(dataset, tmp_path):
    shutil.copytree(dataset, tmp_path / "copy")
    path = tmp_path / "copy" / "vocabulary.tsv"
    vocabulary = Vocabulary.load(path)
    Vocabulary((*vocabulary.tags[:-1], "new"), vocabulary.counts).save(path)
    assert fingerprint_of(tmp_path / "copy") != fingerprint_of(dataset)
