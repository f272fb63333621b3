"""Ways to damage a dataset, each a function of its folder, and what is found wrong with it."""

import json
import shutil

import tensorflow as tf

from beam.inspect.checks import inspect

FIRST = "train/00000.tfrecord"


def edit_manifest(change):
    """`change` takes the content of `dataset.json` and changes it in place."""

    def edit(text):
        values = json.loads(text)
        change(values)
        return json.dumps(values)

    return edit_text("dataset.json", edit)


def set_value(*keys, to):
    """Another value in the manifest."""

    def change(values):
        for key in keys[:-1]:
            values = values[key]
        values[keys[-1]] = to

    return edit_manifest(change)


def edit_text(name, change):
    """`change` takes the text of the file that a glob names and gives another."""

    def damage(dataset):
        (path,) = dataset.glob(name)
        path.write_text(change(path.read_text()))

    return damage


def edit_bytes(change, name=FIRST):
    """`change` takes the bytes of a file and gives others."""

    def damage(dataset):
        (dataset / name).write_bytes(change((dataset / name).read_bytes()))

    return damage


def flip(content, place=-20):
    """The bytes with all bits of one flipped."""
    flipped = bytearray(content)
    flipped[place] ^= 0xFF
    return bytes(flipped)


def read_shard(path):
    return list(tf.data.TFRecordDataset(str(path)).as_numpy_iterator())


def edit_records(change, name=FIRST):
    """`change` takes the serialized records of a shard and gives others."""

    def damage(dataset):
        records = change(read_shard(dataset / name))
        with tf.io.TFRecordWriter(str(dataset / name)) as writer:
            for record in records:
                writer.write(record)

    return damage


def edit_features(change, number=0, name=FIRST):
    """`change` takes the features of a record of a shard and changes them in place."""

    def edit(records):
        example = tf.train.Example.FromString(records[number])
        change(example.features.feature)
        records[number] = example.SerializeToString()
        return records

    return edit_records(edit, name)


def set_feature(feature, kind, *values, number=0, name=FIRST):
    """Other values of a feature of a record."""

    def change(features):
        del getattr(features[feature], kind).value[:]
        getattr(features[feature], kind).value.extend(values)

    return edit_features(change, number, name)


def delete(name):
    """Deletes the first of the files, or the folder, that a glob names."""

    def damage(dataset):
        path = min(dataset.glob(name))
        shutil.rmtree(path) if path.is_dir() else path.unlink()

    return damage


def copy(name, to):
    """Copies a file or a folder of the dataset."""

    def damage(dataset):
        copy_it = shutil.copytree if (dataset / name).is_dir() else shutil.copy
        copy_it(dataset / name, dataset / to)

    return damage


def find_problems(dataset):
    """The problems of a dataset, each without the folder that it must begin with."""
    problems = inspect(str(dataset), 0)[2]
    assert all(problem.isprintable() for problem in problems)
    assert all(problem.startswith(f"{dataset}/") for problem in problems)
    return [problem.removeprefix(f"{dataset}/") for problem in problems]
