"""What add_tags refuses, in one clear line, before it writes anything."""

import shutil

import pytest
from growing_helpers import HELD_OUT, N, add_tags_config, write_lines

from tagkeras.add_tags import __main__ as add_tags
from tagkeras.cli.errors import UserError


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"tags": "nowhere"}, "--tags=nowhere: 0 posts of .* have it, --min_posts=3 are needed"),
        ({"tags": "#InUS"}, "--tags=inus: the model knows it already"),
        ({"tags": "##"}, "--tags: '##' is no hashtag"),
        ({"min_posts": 21}, f"no new hashtag that 21 posts have: the most.*{HELD_OUT}, has 20"),
        ({"posts": "nowhere.jsonl"}, "nowhere.jsonl: no such file"),
        ({"posts": "posts.csv"}, "posts.csv: posts are read of .jsonl, .jsonl.gz, .parquet"),
        ({"workdir": "nowhere"}, "nowhere"),
    ],
)
def test_bad_flags(world, tmp_path, options, message):
    with pytest.raises(UserError, match=message):
        add_tags.add_tags(add_tags_config(world, tmp_path / "out", **options))
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"descriptor": [1.0] * (N + 1)}, "line 2: descriptor_length: .*17 values instead of 16"),
        ({"descriptor": None}, "line 2: no_image: neither an image nor a descriptor"),
        ({"image": "a.jpg"}, "line 2: image_and_descriptor"),
        (
            {"image": "a.jpg", "descriptor": None},
            "line 2: no_descriptor: the dataset was made of ready descriptors",
        ),
        ({"age": "old"}, "line 2: bad_age: age: not a number"),
        ({"hashtags": []}, "line 2: no_hashtags"),
        ({"post_id": "new0"}, "line 2: duplicate_post_id: post_id: that of line 1 again"),
    ],
)
def test_a_bad_post_is_named(world, tmp_path, change, message):
    first, second, *rest = world.examples
    first = {**first, "post_id": "new0"}
    path = write_lines(tmp_path / "posts.jsonl", [first, {**second, **change}, *rest])
    with pytest.raises(UserError, match=f"1 of 20 posts cannot be used.*: {message}"):
        add_tags.add_tags(add_tags_config(world, tmp_path / "out", posts=path))
    assert not (tmp_path / "out").exists()


def test_many_bad_lines(world, tmp_path):
    path = tmp_path / "posts.jsonl"
    path.write_text(world.posts.read_text() + "not JSON\n[1]\n\n{}\n{}\n")
    with pytest.raises(UserError, match="4 of 24 posts.*line 21: .*not JSON; line 22: .*; line 24"):
        add_tags.add_tags(add_tags_config(world, tmp_path / "out", posts=path))


def test_nothing_new_in_the_posts(world, tmp_path):
    posts = [{**post, "hashtags": ["inus"]} for post in world.examples]
    path = write_lines(tmp_path / "posts.jsonl", posts)
    with pytest.raises(UserError, match="no hashtag that the model does not know already"):
        add_tags.add_tags(add_tags_config(world, tmp_path / "out", posts=path))


def test_output_that_exists(world, tmp_path):
    with pytest.raises(UserError, match="exists: name a new folder"):
        add_tags.add_tags(add_tags_config(world, tmp_path))


def test_dataset_of_another_run(world, tmp_path):
    with pytest.raises(UserError, match="has another vocabulary than"):
        add_tags.add_tags(add_tags_config(world, tmp_path / "out", data=world.whole))


def test_workdir_without_a_checkpoint(world, tmp_path):
    shutil.copytree(world.run.path, tmp_path / "run", ignore=shutil.ignore_patterns("best"))
    with pytest.raises(UserError, match="has no checkpoint yet"):
        add_tags.add_tags(add_tags_config(world, tmp_path / "out", workdir=tmp_path / "run"))
