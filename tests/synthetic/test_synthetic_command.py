"""The files of a world."""

import collections
import json

import numpy as np
import pyarrow.parquet as pq
import pytest
from absl import flags
from PIL import Image

from tagkeras.cli import commandline
from tagkeras.cli.errors import UserError
from tagkeras.data.posts import parse_post
from tagkeras.synthetic import __main__ as synthetic
from tagkeras.synthetic.tables import THINGS
from tagkeras.synthetic.world import World

POSTS = 130


def make(output, **options):
    flags = [f"--{name}={value}" for name, value in {"posts": POSTS, "seed": 3, **options}.items()]
    synthetic.main(commandline.parse(synthetic.Config, [f"--output={output}", *flags]))
    return output


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return make(tmp_path_factory.mktemp("synthetic") / "world", workers=1)


def read_lines(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_posts_are_as_preprocessing_reads_them(folder):
    posts = read_lines(folder / "posts.jsonl")
    assert len(posts) == POSTS
    assert len({post["post_id"] for post in posts}) == POSTS
    for post in posts:
        parse_post(post)  # raises if it is none
        assert (folder / post["image"]).is_file()


def test_pictures_are_jpegs_that_differ(folder):
    images = sorted(folder.glob("images/*/*.jpg"))
    assert len(images) == POSTS
    pixels = []
    for path in images:
        with Image.open(path) as image:
            assert (image.format, image.size, image.mode) == ("JPEG", (128, 128), "RGB")
            pixels.append(np.asarray(image).ravel())
    assert len({array.tobytes() for array in pixels}) == POSTS
    assert all(array.std() > 5 for array in pixels)


def test_concepts_name_what_each_picture_shows(folder):
    labels = read_lines(folder / "concepts.jsonl")
    assert [label["image"] for label in labels] == [
        post["image"] for post in read_lines(folder / "posts.jsonl")
    ]
    assert all(1 <= len(label["concepts"]) <= 3 for label in labels)


def test_oracle_file(folder):
    oracle = pq.read_table(folder / "oracle.parquet").to_pylist()
    assert [row["post_id"] for row in oracle] == [
        post["post_id"] for post in read_lines(folder / "posts.jsonl")
    ]
    for row in oracle:
        for reader in ("", "image_", "user_"):
            probabilities = row[f"{reader}probabilities"]
            assert len(set(row[f"{reader}hashtags"])) == len(probabilities) == 10
            assert probabilities == sorted(probabilities, reverse=True)
            assert 0 < probabilities[-1] <= probabilities[0] <= 1


def test_hashtags_file_has_the_kind_of_every_hashtag(folder):
    lines = (folder / "hashtags.tsv").read_text().splitlines()
    kinds = dict(line.split("\t") for line in lines)
    assert len(kinds) == len(lines)
    assert list(kinds) == sorted(kinds)
    assert kinds == World().hashtag_kinds
    assert {"football": "both", "nofilter": "neither", "college": "user"}.items() <= kinds.items()
    used = {tag for post in read_lines(folder / "posts.jsonl") for tag in post["hashtags"]}
    assert used <= kinds.keys()


def test_a_world_is_complete_or_absent(tmp_path, monkeypatch):
    world = make(tmp_path / "world", posts=2, workers=1)
    before = {path: path.read_bytes() for path in world.rglob("*") if path.is_file()}
    names = ["concepts.jsonl", "hashtags.tsv", "images", "oracle.parquet", "posts.jsonl"]
    assert sorted(path.name for path in world.iterdir()) == names

    def fail(folder, world):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(synthetic, "write_hashtags", fail)
    for output in (world, tmp_path / "new"):
        with pytest.raises(UserError, match="cannot be written: No space left"):
            make(output, posts=3, workers=1)
    assert {path: path.read_bytes() for path in world.rglob("*") if path.is_file()} == before
    assert [path.name for path in tmp_path.iterdir()] == ["world"]


def test_the_same_seed_gives_the_same_files_whatever_the_workers(folder, tmp_path):
    again = make(tmp_path / "again", workers=2)
    for path in sorted(folder.rglob("*")):
        if path.is_file() and path.suffix != ".parquet":
            assert (again / path.relative_to(folder)).read_bytes() == path.read_bytes()
    tables = [pq.read_table(world / "oracle.parquet") for world in (folder, again)]
    assert tables[0].equals(tables[1])


def test_an_earlier_world_is_replaced_and_nothing_else(tmp_path):
    world = make(tmp_path / "world", posts=3, workers=1)
    make(world, posts=2, workers=1)
    assert len(list(world.glob("images/*/*.jpg"))) == 2
    (tmp_path / "thesis.tex").write_text("precious")
    for output, words in (
        (tmp_path, "holds something else"),
        (tmp_path / "thesis.tex", "is a file"),
    ):
        with pytest.raises(UserError, match=f"{words}: name a new folder"):
            make(output, posts=2, workers=1)
    assert (tmp_path / "thesis.tex").read_text() == "precious"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "--output is required"),
        (["--output=w", "--posts=0"], "posts"),
        (["--output=w", "--posts=many"], "posts"),
        (["--output=w", "--seed=-1"], "seed"),
        (["--output=w", "--colour=red"], "colour"),
    ],
)
def test_bad_flags(arguments, message):
    with pytest.raises(flags.Error, match=message):
        commandline.parse(synthetic.Config, arguments)


def test_images_alone_show_everything_about_as_often(tmp_path):
    world = make(tmp_path / "world", posts=400, workers=1, images_only=True)
    assert sorted(path.name for path in world.iterdir()) == ["concepts.jsonl", "images"]
    labels = read_lines(world / "concepts.jsonl")
    assert all((world / label["image"]).is_file() for label in labels)
    counts = collections.Counter(name for label in labels for name in label["concepts"])
    # 800 things in 400 pictures are 20 of each, give or take four standard deviations.
    assert len(counts) == len(THINGS)
    assert min(counts.values()) >= 3
    assert max(counts.values()) <= 38
