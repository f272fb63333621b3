import re

import pytest
from damage import delete, edit_bytes, edit_manifest, edit_text, find_problems, set_value

from beam.inspect.__main__ import inspect
from tagkeras.cli.errors import UserError


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
        (delete("descriptor_model/saved_model.pb"), "cannot be loaded and asked"),
        (delete("descriptor_model/variables/*.index"), "cannot be loaded and asked"),
        (
            edit_bytes(lambda content: content[:99], "descriptor_model/saved_model.pb"),
            "cannot be loaded and asked",
        ),
        (set_value("image_decoder", "height", to=15), "takes images of 16 x 20, not of 15 x 20"),
        (set_value("descriptor_size", to=5), "gives 6 values for an image"),
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
        (edit_text("dataset.json", lambda text: text[:-5]), "is not JSON"),
        (set_value("format_version", to=9), "has format version 9"),
        (set_value("splits", to={}), "'splits' has not the form"),
        (set_value("splits", "test", "posts", to="many"), "'splits' has not the form"),
        (set_value("splits", "test", "posts", to=-1), "'splits' has not the form"),
        (set_value("splits", "test", to={"posts": 1}), "'splits' has not the form"),
        (set_value("descriptor_size", to=True), "'descriptor_size' has not the form"),
        (set_value("descriptor_dtype", to="int8"), "'descriptor_dtype' has not the form"),
        (set_value("num_tags", to=10**30), "'num_tags' has not the form"),
        (set_value("user_descriptor", "size", to=3), "'user_descriptor' has not the form"),
        (set_value("user_descriptor", to=[]), "'user_descriptor' has not the form"),
        (set_value("counts", to={}), "'counts' has not the form"),
        (set_value("cnn", to={}), "only one of 'cnn' and 'image_decoder'"),
        (set_value("distribution", to={"name": "balanced"}), "'distribution' has not the form"),
        (set_value("distribution", to={}), "'distribution' has not the form"),
    ],
)
def test_a_manifest_that_is_none(copy_dataset, damage, words):
    dataset = copy_dataset("natural")
    damage(dataset)
    with pytest.raises(UserError, match=re.escape(str(dataset)) + ".*" + words) as raised:
        inspect(str(dataset), 0)
    assert str(raised.value).isprintable()
