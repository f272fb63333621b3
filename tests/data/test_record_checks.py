"""Damaged datasets: each is refused with one line that names the shard, whatever reads it."""

import itertools

import numpy as np
import pytest
import tensorflow as tf
from tiny_dataset import SIZE, write_dataset

from tagkeras.cli.errors import UserError
from tagkeras.data import input as data_input
from tagkeras.data import record_checks, records
from tagkeras.data.manifest import Manifest
from tagkeras.data.records import PostRecord, encode
from tagkeras.data.training_input import CACHES, TrainingInput

REMEDY = ": copy the dataset anew or run python -m beam.preprocess again"


@pytest.fixture
def dataset(tmp_path):
    return write_dataset(tmp_path / "dataset", posts=60, validation=12, test=12)


@pytest.fixture(params=[*CACHES, "read_split"])
def read(request):
    def read(dataset):
        """Reads no further than training does: to the last batch, not to the end."""
        manifest = Manifest.load(dataset)
        with data_input.named_errors(dataset):
            if request.param == "read_split":
                return list(data_input.read_split(dataset, manifest, "train", 20))
            training_input = TrainingInput(
                dataset, manifest, batch_size=20, seed=0, cache=request.param
            )
            batches = training_input.batches(first_epoch=0, epochs=1)
            return list(itertools.islice(batches, training_input.steps_per_epoch))

    return read


def make_record(**changes):
    fields = {
        "post_id": b"odd",
        "user_id": b"0" * 64,
        "descriptor": np.ones(12),
        "user_descriptor": np.zeros(SIZE),
        "tags": [0],
    }
    return encode(PostRecord(**{**fields, **changes}), "float16")


def rewrite(dataset, change):
    """Changes the list of records of the second training shard; returns its path."""
    shard = sorted((dataset / "train").glob("*.tfrecord"))[1]
    records = [record.numpy() for record in tf.data.TFRecordDataset(str(shard))]
    change(records)
    with tf.io.TFRecordWriter(str(shard)) as writer:
        for record in records:
            writer.write(record)
    return shard


def put(record):
    def change(records):
        records[7] = record

    return change


def test_a_whole_dataset_is_read(dataset, read):
    assert len(read(dataset)) == 3


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (lambda content: content[:-7], ": cut off in the record at byte "),
        (lambda content: content[:30] + b"?" + content[31:], ": corrupt in the record at byte 12:"),
    ],
)
def test_a_damaged_shard(dataset, read, damage, words):
    shard = sorted((dataset / "train").glob("*.tfrecord"))[1]
    shard.write_bytes(damage(shard.read_bytes()))
    with pytest.raises(UserError) as error:
        read(dataset)
    assert str(error.value).startswith(f"{shard}{words}")
    assert str(error.value).endswith(REMEDY)


def without_tags_count():
    example = tf.train.Example.FromString(make_record())
    del example.features.feature["tags/out_of_vocabulary"]
    return example.SerializeToString()


@pytest.mark.parametrize(
    ("record", "words"),
    [
        (make_record()[:-3], "record 8 is not as dataset.json describes it (no tf.Example)"),
        (b"\xff\xfe junk", "record 8 is not as dataset.json describes it (no tf.Example)"),
        (
            make_record(descriptor=np.ones(11)),
            "record 8 (post 'odd') is not as dataset.json describes it"
            " (image/descriptor: not 12 float16 values)",
        ),
        (
            make_record(descriptor=np.ones(0), post_id="\u00e9\n".encode()),
            "record 8 (post '\u00e9\\n') is not as dataset.json describes it"
            " (image/descriptor: not 12 float16 values)",
        ),
        (
            without_tags_count(),
            "record 8 (post 'odd') is not as dataset.json describes it (Feature:"
            " tags/out_of_vocabulary (data type: int64) is required but could not be found.)",
        ),
        (
            make_record(user_descriptor=np.zeros(3)),
            "record 8 (post 'odd') is not as dataset.json describes it (Key: user/descriptor,"
            " Index: 0.  Number of float values != expected.  Values size: 3 but output shape:"
            f" [{SIZE}])",
        ),
        (
            make_record(tags=[3, 20]),
            "record 8 (post 'odd') has a tag id that is not from 0 to 19",
        ),
        (
            make_record(tags_removed=[0, -1]),
            "record 8 (post 'odd') has a tag id that is not from 0 to 19",
        ),
        (
            make_record(descriptor=np.full(12, np.nan)),
            "record 8 (post 'odd') has NaN or infinity in the image descriptor",
        ),
        (
            make_record(descriptor=np.array([np.inf, -np.inf, *[0] * 10])),
            "record 8 (post 'odd') has NaN or infinity in the image descriptor",
        ),
        (
            make_record(user_descriptor=np.full(SIZE, np.inf)),
            "record 8 (post 'odd') has NaN or infinity in the user descriptor",
        ),
    ],
)
def test_a_bad_record(dataset, read, record, words):
    shard = rewrite(dataset, put(record))
    with pytest.raises(UserError) as error:
        read(dataset)
    assert str(error.value) == f"{shard}: {words}{REMEDY}"


@pytest.mark.parametrize(
    ("change", "found"),
    [
        (lambda records: records.pop(), 59),
        (lambda records: records.clear(), 40),
        (lambda records: records.append(make_record()), 61),
        (lambda records: records.extend(100 * [make_record()]), 160),
    ],
)
def test_fewer_or_more_posts_than_the_manifest_says(dataset, read, change, found):
    rewrite(dataset, change)
    with pytest.raises(UserError) as error:
        read(dataset)
    words = f"{found} posts, but dataset.json says 60"
    assert str(error.value) == f"{dataset / 'train'}: {words}{REMEDY}"


def test_a_missing_and_an_extra_shard(dataset, read):
    shard = next((dataset / "train").glob("*.tfrecord"))
    extra = shard.with_name("extra.tfrecord")
    extra.write_bytes(shard.read_bytes())
    with pytest.raises(UserError, match=r"train: 4 shards, but dataset.json names 3: copy the"):
        read(dataset)
    extra.unlink()
    shard.unlink()
    with pytest.raises(UserError, match=r"train: 2 shards, but dataset.json names 3: copy the"):
        read(dataset)


def test_a_shard_that_vanishes_while_it_is_read(dataset):
    manifest = Manifest.load(dataset)
    batches = data_input.read_split(dataset, manifest, "train", 20)
    next((dataset / "train").glob("*.tfrecord")).unlink()
    with pytest.raises(UserError, match=r"train: 40 posts, but dataset.json says 60"):
        with data_input.named_errors(dataset):
            list(batches)


def test_other_errors_pass(dataset):
    with pytest.raises(tf.errors.InvalidArgumentError, match="Incompatible shapes"):
        with data_input.named_errors(dataset):
            tf.ones([2]) + tf.ones([3])
    with pytest.raises(tf.errors.DataLossError, match="elsewhere"):
        with data_input.named_errors(dataset):
            raise tf.errors.DataLossError(None, None, "elsewhere")


def test_all_problems_of_posts_by_row(dataset):
    odd = [
        {},
        {"tags": [3, 3]},
        {"tags": [4, 1], "tags_removed": [1]},
        {"tags": [], "out_of_vocabulary": 2},
        {"tags": [], "tags_removed": [2]},
        {"out_of_vocabulary": -1},
        {"user_descriptor": np.full(SIZE, np.nan)},
        {"tags": [25, 25]},
    ]
    serialized = tf.constant([make_record(**changes) for changes in odd])
    batch = records.parse(serialized, Manifest.load(dataset))
    expected = {
        "a tag id that is not from 0 to 19": [7],
        "NaN or infinity in the user descriptor": [6],
        "a tag twice": [1],
        "a tag both kept and removed": [2],
        "no tag": [3, 4],
        "a negative tags/out_of_vocabulary": [5],
    }
    for split in ("train", "test"):
        found = record_checks.find_problems(batch, 20, split)
        assert {problem: rows.tolist() for problem, rows in found.items()} == expected
        expected["no tag"] = [4]
