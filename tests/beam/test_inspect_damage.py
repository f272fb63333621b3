import re

import pytest
import tensorflow as tf
from damage import (
    FIRST,
    copy,
    delete,
    edit_bytes,
    edit_features,
    edit_manifest,
    edit_records,
    edit_text,
    find_problems,
    flip,
    read_shard,
    set_feature,
    set_value,
)

from beam.inspect.checks import inspect
from tagkeras.cli.errors import UserError
from tagkeras.data.manifest import SPLITS, Manifest

NAN = float("nan")
SHARDS = [f"train/0000{number}.tfrecord" for number in range(3)]


# Each with the beginnings of the problems, in order.
DAMAGES = {
    "corrupt shards": (
        [
            edit_bytes(lambda content: content[:-5]),
            edit_bytes(flip, SHARDS[1]),
            edit_bytes(lambda content: b"x" * 99, SHARDS[2]),
        ],
        [
            f"{FIRST}: cut off in the record at byte \\d.*: copy the dataset anew or run",
            f"{SHARDS[1]}: corrupt in the record at byte \\d",
            f"{SHARDS[2]}: corrupt in the record at byte 0",
        ],
    ),
    "shards of other records": (
        [
            set_feature("image/descriptor", "bytes_list", b"\x00" * 6),
            set_feature("user/descriptor", "float_list", 0.5, name=SHARDS[1]),
            edit_features(lambda features: features.pop("post_id"), 3, SHARDS[2]),
            edit_records(lambda records: [b"\xff\xff", *records], "test/00000.tfrecord"),
        ],
        [
            f"{FIRST}: record 1 .*is not as dataset.json describes it \\(image/descriptor: not 4 ",
            f"{SHARDS[1]}: record 1 .*is not as dataset.json describes it \\(Key: user/descriptor",
            f"{SHARDS[2]}: record 4 is not as dataset.json describes it \\(Feature: post_id",
            "test/00000.tfrecord: record 1 is not as dataset.json describes it \\(no tf.Example\\)",
        ],
    ),
    "fewer records": (
        [
            edit_records(lambda records: records[:-1]),
            edit_bytes(lambda _: b"", "test/00000.tfrecord"),
        ],
        [
            *(f"{s}: \\d+ {n}, but" for s in ("train", "test") for n in ("posts", "tag pairs")),
            "vocabulary.tsv: \\d counts are not those of the training posts",
            "dataset.json: user_descriptor.seen is not that of the training posts",
        ],
    ),
    "fewer shards": (
        [delete("train/*"), delete("test")],
        ["train: 2 shards, but dataset.json says 3:", "test: 0 shards, but dataset.json says 3:"],
    ),
    "more shards": (
        [copy(FIRST, "train/99999.tfrecord"), copy(FIRST, "test/99999.tfrecord")],
        [
            "t\\w+/99999.tfrecord: \\d+ posts have an id that came before, one of them in ",
            f"test/99999.tfrecord: \\d+ users are in train too, one of them in .*{FIRST}",
            "train: 4 shards, but dataset.json says 3:",
            "test: 4 shards, but dataset.json says 3:",
        ],
    ),
    "counts": (
        [
            set_value("splits", "test", "posts", to=9),
            set_value("splits", "test", "tag_pairs", to=8),
            set_value("splits", "test", "tag_pairs_removed", to=7),
            set_value("splits", "test", "out_of_vocabulary", to=1000),
            set_value("counts", "posts_read", to=5),
            set_value("counts", "rejected", to={"bad_age": 2}),
        ],
        [
            "dataset.json: 5 posts read are not 300 written \\+ 2 rejected \\+ 0 dropped: copy",
            "dataset.json: 300 posts written, but its splits have \\d+",
            "test: \\d+ posts, but dataset.json says 9:",
            "test: \\d+ tag pairs, but dataset.json says 8:",
            "test: 0 tag pairs removed, but dataset.json says 7:",
            "test: \\d+ out of vocabulary, but dataset.json says 1,000:",
            "rejected: 1 posts refused for bad_age, but dataset.json says 2",
            "rejected: 1 posts refused for malformed_row, but dataset.json says 0",
        ],
    ),
    "sizes": (
        [set_value("num_tags", to=1000), set_value("descriptor_size", to=5)],
        [
            *(f"{s}/0000{n}.tfrecord: record 1 .*is not as" for s in SPLITS for n in range(3)),
            "vocabulary.tsv: \\d+ hashtags, but dataset.json says 1,000",
        ],
    ),
    "counts of hashtags": (
        [edit_text("vocabulary.tsv", lambda text: text.replace("\t", "\t1", 1))],
        ["vocabulary.tsv: 1 counts are not those of the training posts, the first that of tag1, 1"],
    ),
    "facts": (
        [
            set_value("user_descriptor", "varies", to=[True] * 7),
            set_value("user_descriptor", "seen", "gender", "known", to=1),
        ],
        [
            "dataset.json: user_descriptor.varies is not that of the training posts: copy",
            "dataset.json: user_descriptor.seen is not that of the training posts: copy",
        ],
    ),
    "unreadable lines": (
        [
            edit_text("vocabulary.tsv", lambda text: text.replace("\t", " ")),
            edit_text("rejected/*.jsonl", lambda text: text[:-9]),
        ],
        [
            "vocabulary.tsv, line 1: not a tag, a tab and a count: copy the dataset anew",
            "rejected/0000\\d.jsonl, line 2: not JSON: 1 such lines: copy the dataset anew",
            "rejected: 0 posts refused for bad_age, but dataset.json says 1",
        ],
    ),
    "missing files": (
        [
            delete("vocabulary.tsv"),
            delete("rejected"),
        ],
        [
            "vocabulary.tsv: cannot read the vocabulary \\(No such file",
            "rejected: 0 posts refused for bad_age, but dataset.json says 1",
            "rejected: 0 posts refused for malformed_row, but dataset.json says 1",
        ],
    ),
}


@pytest.mark.parametrize("name", DAMAGES)
def test_damage_is_named(copy_dataset, name):
    damages, expected = DAMAGES[name]
    dataset = copy_dataset("natural")
    for damage in damages:
        damage(dataset)
    problems = find_problems(dataset)
    assert len(problems) == len(expected), problems
    for problem, words in zip(problems, expected, strict=True):
        assert re.match(words, problem)


def test_bad_posts_are_named(copy_dataset):
    dataset = copy_dataset("natural")
    num_tags = Manifest.load(dataset).num_tags
    features = {
        "a tag id that is not from 0 to \\d+": ("tags", "int64_list", 1000),
        "NaN or infinity in the image desc": ("image/descriptor", "bytes_list", b"\x00\x7c" * 4),
        "NaN or infinity in the user desc": ("user/descriptor", "float_list", *[0] * 7, NAN),
        "a tag twice": ("tags", "int64_list", 1, 1),
        "a tag both kept and removed": ("tags/removed", "int64_list", *range(num_tags)),
        "no tag": ("tags", "int64_list"),
        "a negative tags/out_of_vocabulary": ("tags/out_of_vocabulary", "int64_list", -1),
        "a user descriptor that is not of": ("user/descriptor", "float_list", *[0.5] * 8),
    }
    for number, values in enumerate(features.values()):
        set_feature(*values, number=number)(dataset)
    records = [tf.train.Example.FromString(record) for record in read_shard(dataset / FIRST)]
    problems = find_problems(dataset)
    for number, (problem, words) in enumerate(zip(problems, features, strict=False)):
        post_id = records[number].features.feature["post_id"].bytes_list.value[0].decode()
        assert re.match(f"{FIRST}: {words}.*: 1 posts, the first {post_id}:", problem)
    others = [problem.partition(":")[0] for problem in problems[len(features) :]]
    assert others == ["train", "train", "train", "vocabulary.tsv", "dataset.json"]


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (
            set_value("distribution", "tags_by_training_posts", "balanced", to={"1": 2}),
            "dataset.json: the balanced histogram of hashtags is not that of the training posts",
        ),
        (set_value("distribution", "target", to=1e9), "vocabulary.tsv: \\d+ counts are not those"),
    ],
)
def test_damage_of_a_balanced_dataset(copy_dataset, damage, words):
    dataset = copy_dataset("balanced")
    damage(dataset)
    (problem,) = find_problems(dataset)
    assert re.match(words, problem)


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (delete("descriptor_model"), "is not there, but dataset.json names a CNN"),
        (
            edit_manifest(lambda values: values.update(cnn=None, image_decoder=None)),
            "is there, but dataset.json names no CNN",
        ),
        (delete("descriptor_model/saved_model.pb"), "cannot be loaded and called"),
        (delete("descriptor_model/variables/*.index"), "cannot be loaded and called"),
        (
            edit_bytes(lambda content: content[:99], "descriptor_model/saved_model.pb"),
            "cannot be loaded and called",
        ),
        (
            set_value("image_decoder", "height", to=15),
            "16 is the height of images, but dataset.json says 15",
        ),
        (set_value("descriptor_size", to=5), "6 values for an image, but dataset.json says 5"),
    ],
)
def test_damage_of_the_descriptor_model(copy_dataset, damage, words):
    dataset = copy_dataset("pictured")
    damage(dataset)
    assert find_problems(dataset)[-1].startswith(f"descriptor_model: {words}")


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (delete("dataset.json"), "No such file or directory: run python -m beam.preprocess"),
        (set_value("splits", to={}), "splits.train: "),
        (set_value("splits", "test", "posts", to="many"), "splits.test.posts: "),
        (set_value("splits", "test", to={"posts": 1}), "splits.test.shards: "),
        (set_value("descriptor_dtype", to="int8"), "descriptor_dtype: "),
        (set_value("num_tags", to=10**30), "num_tags: "),
        (set_value("user_descriptor", "size", to=3), "user_descriptor.size: these facts"),
        (set_value("user_descriptor", to={"size": 5}), "user_descriptor.countries: "),
        (set_value("user_descriptor", "countries", to=["USA"]), "user_descriptor: countries must"),
        (set_value("user_descriptor", "countries", to=[5]), "user_descriptor: "),
        (set_value("user_descriptor", "categories", to={"x": 1}), "user_descriptor.categories.x"),
        (set_value("user_descriptor", "numbers", to={"x": [1]}), "user_descriptor: "),
        (set_value("user_descriptor", "seen", to={"age": 1}), "user_descriptor.seen.age"),
        (set_value("counts", to={}), "counts.posts_read: "),
        (set_value("counts", "rejected", to={"bad_age": -1}), "counts.rejected.bad_age: "),
        (set_value("distribution", to="odd"), "distribution: "),
        (set_value("distribution", "name", to="odd"), "distribution.name: "),
    ],
)
def test_bad_manifests(copy_dataset, damage, words):
    dataset = copy_dataset("natural")
    damage(dataset)
    with pytest.raises(UserError, match=re.escape(str(dataset)) + ".*" + words) as raised:
        inspect(str(dataset), 0)
    assert str(raised.value).isprintable()
