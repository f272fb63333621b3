import collections
import re
import shutil
import subprocess
import sys

import numpy as np
import pytest
from apache_beam.io.localfilesystem import LocalFileSystem
from beam_helpers import read
from damage import edit_bytes, edit_manifest, edit_text, find_problems, flip, set_feature

from beam.inspect.__main__ import Config, main
from beam.inspect.checks import inspect
from tagkeras.cli.errors import UserError
from tagkeras.data.manifest import SPLITS, Manifest


class ShelfFileSystem(LocalFileSystem):
    """Folders by URIs: shelf://a/b is a/b in `folder`."""

    folder = ""

    @classmethod
    def scheme(cls):
        return "shelf"

    def _local(self, path):
        return path.replace("shelf://", f"{self.folder}/", 1)

    def _url_dirname(self, url_or_path):
        return url_or_path.rpartition("/")[0]

    def _list(self, dir_or_prefix):
        for found in super()._list(self._local(dir_or_prefix)):
            found.path = found.path.replace(f"{self.folder}/", "shelf://", 1)
            yield found

    def exists(self, path):
        return super().exists(self._local(path))

    def open(self, path, *arguments, **keywords):
        return super().open(self._local(path), *arguments, **keywords)


@pytest.mark.parametrize("name", ["natural", "balanced", "pictured"])
def test_a_good_dataset(datasets, name, capsys):
    main(Config(data=str(datasets / name), posts=5), [])
    lines = capsys.readouterr().out.splitlines()
    posts = read(datasets / name)
    assert lines[-1] == f"verified: {len(posts):,} posts, no problems"
    rows = [re.split("  +", line.strip()) for line in lines]
    values = {row[0]: row[1:] for row in rows}
    for split in SPLITS:
        mine = [post for post in posts.values() if post["split"] == split]
        sizes = [len(mine), len(list((datasets / name / split).iterdir()))]
        sizes += [sum(len(post[key]) for post in mine) for key in ("tags", "tags_removed")]
        sizes += [sum(post["out_of_vocabulary"] for post in mine)]
        sizes += [len({post["user_id"] for post in mine})]
        assert values[split] == [str(size) for size in sizes]
    known, countries = collections.Counter(), Manifest.load(datasets / name).facts.countries
    for post in posts.values():
        if post["split"] == "train":
            known.update(f for f in ("age", "gender", "country") if post[f] != b"")
            known["not kept"] += post["country"].decode() not in ("", *countries)
            known["place"] += not np.isnan(post["location"]).any()
    for fact, columns in [("age", 1), ("gender", 1), ("place", 3)]:
        assert values[fact] == [str(columns), str(known[fact]), "-"]
    expected = [len(countries), known["country"], known["not kept"]]
    assert values["country"] == [str(number) for number in expected]
    samples = [row for row in rows if row[0] in posts and len(row) > 2]
    assert len(samples) == 5
    for post_id, split, hashtags, facts in samples:
        post = posts[post_id]
        assert split == post["split"]
        assert hashtags.split(" (")[0].split() == post["tags"]
        told = dict(fact.split(" ") for fact in facts.split(", "))
        assert told.pop("country", "") == post["country"].decode()
        assert told.pop("gender", "") == post["gender"].decode()
        assert told == {"age": f"{post['age']:g}"}


def test_what_is_said_of_each_kind(datasets, capsys):
    said = {}
    for name in ("natural", "balanced", "pictured"):
        main(Config(data=str(datasets / name), posts=0, tags=2), [])
        said[name] = capsys.readouterr().out
    assert re.search("rejected +2: bad_age 1, malformed_row 1 *\n", said["natural"])
    assert re.search("CNN +none", said["natural"])
    assert re.search("user_ids HMAC-SHA256, post_ids kept, id_key file", said["natural"])
    assert "0   tag1 " in said["natural"]
    assert "1   tag2 " in said["natural"]
    assert "2   tag" not in said["natural"]
    assert re.search("balanced, hashtags thinned out to 5 posts", said["balanced"])
    assert re.search("training posts +hashtags, natural +hashtags, balanced", said["balanced"])
    assert re.search("CNN +name cnn.keras, layer descriptor, weights_sha256", said["pictured"])
    assert re.search("images +height 16, width 20", said["pictured"])
    assert re.search(r"descriptor +6 float16 values *\n", said["pictured"])


def test_ids_and_tags_that_would_break_the_screen(copy_dataset, capsys):
    dataset = copy_dataset("natural")
    set_feature("post_id", "bytes_list", b"\x1b[2Jlong\n\xff")(dataset)
    main(Config(data=str(dataset), posts=1), [])
    assert "\\x1b[2Jlong\\n\\xff" in capsys.readouterr().out


def test_special_characters_in_the_path(datasets, tmp_path, monkeypatch):
    shutil.copytree(datasets / "natural", tmp_path / "data[1] *?")
    assert find_problems(tmp_path / "data[1] *?") == []
    monkeypatch.chdir(datasets / "natural")
    assert inspect(".", 0)[2] == []


@pytest.mark.parametrize("name", ["natural", "pictured"])
def test_a_uri(datasets, copy_dataset, monkeypatch, name):
    monkeypatch.setattr(ShelfFileSystem, "folder", str(datasets))
    scan, _, problems = inspect(f"shelf://{name}", 0)
    assert problems == []
    assert scan.num_posts == scan.manifest.counts["posts_written"]
    dataset = copy_dataset(name)
    monkeypatch.setattr(ShelfFileSystem, "folder", str(dataset.parent))
    edit_bytes(flip)(dataset)
    edit_text("vocabulary.tsv", lambda text: text.replace("\t", " "))(dataset)
    _, _, problems = inspect("shelf://data", 0)
    assert problems[0].startswith("shelf://data/vocabulary.tsv, line 1: not a tag")
    assert problems[1].startswith("shelf://data/train/00000.tfrecord: corrupt")
    assert len(problems) == 2
    with pytest.raises(UserError, match="^shelf://nowhere/dataset.json: No such file"):
        inspect("shelf://nowhere", 0)


def run_command(*arguments):
    command = [sys.executable, "-m", "beam.inspect", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.mark.slow
def test_the_command(copy_dataset):
    dataset = copy_dataset("natural")
    done = run_command(dataset, "--posts=1", "--tags=1")
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "verified: 300 posts, no problems"
    assert done.stderr.splitlines()[-1].startswith("inspecting: 300 of 300 posts")
    edit_bytes(flip)(dataset)
    edit_manifest(lambda values: values["counts"].update(posts_read=5))(dataset)
    done = run_command(f"--data={dataset}")
    assert done.returncode == 1
    assert "verified" not in done.stdout
    assert re.search("train +\\d", done.stdout)
    lines = [line for line in done.stderr.splitlines() if not line.startswith("inspecting:")]
    assert lines[0].startswith(f"{dataset}/train/00000.tfrecord: corrupt in the record at byte")
    assert lines[1].startswith(f"{dataset}/dataset.json: 5 posts read")
    assert lines[2:] == [f"python -m beam.inspect: {dataset}: 2 problems, see above"]


@pytest.mark.slow
def test_the_command_without_a_dataset(tmp_path):
    done = run_command(tmp_path)
    assert (done.returncode, done.stdout) == (1, "")
    (line,) = done.stderr.splitlines()
    assert line.startswith(f"python -m beam.inspect: {tmp_path}/dataset.json: No such file")
