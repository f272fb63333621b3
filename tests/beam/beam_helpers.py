"""Rows of posts, runs of the pipeline on them, and readings of what it wrote."""

import itertools
import json
from pathlib import Path

import numpy as np
import tensorflow as tf
from PIL import Image

from beam.preprocess.config import Config
from beam.preprocess.preprocess import preprocess
from beam.running.runner import parse_options
from tagkeras.data import records
from tagkeras.data.manifest import Manifest
from tagkeras.data.vocabulary import Vocabulary

SIZE = 4


def make_posts(count, seed=0, users=None, **fields):
    """Rows with ready descriptors."""
    rng = np.random.default_rng(seed)
    rows = []
    for number in range(count):
        user = int(rng.integers(users or (count + 1) // 2))
        rows.append(
            {
                "post_id": f"post{number}",
                "user_id": f"user{user}",
                "hashtags": [f"#Tag{tag}" for tag in set(rng.zipf(1.6, 3).clip(max=30).tolist())],
                "age": user % 70,
                "gender": ["female", "male", None][user % 3],
                "country": ["US", "GB", "FR", None][user % 4],
                "latitude": float(user % 90),
                "longitude": float(user % 180),
                "descriptor": rng.normal(size=SIZE).round(3).tolist(),
                **fields,
            }
        )
    return rows


def give_images(rows, folder, suffix=".jpg"):
    """The rows with small pictures for their descriptors."""
    rng = np.random.default_rng(1)
    folder.mkdir(parents=True, exist_ok=True)
    result = []
    for number, row in enumerate(rows):
        color = tuple(rng.integers(0, 256, 3).tolist())
        Image.new("RGB", (24 + number % 5, 18), color).save(folder / f"{number}{suffix}")
        row = {name: value for name, value in row.items() if name != "descriptor"}
        result.append({**row, "image": f"{folder.name}/{number}{suffix}"})
    return result


def write_lines(path, rows):
    """JSON Lines; a row that is a string is written as it is."""
    lines = [row if isinstance(row, str) else json.dumps(row) for row in rows]
    path.write_text("".join(line + "\n" for line in lines))
    return str(path)


def run(source, output, *beam_arguments, **flags):
    """Preprocesses in process, with a fixed key."""
    key = Path(output).parent / "key"
    key.write_text("0123456789abcdef0123456789abcdef")
    config = Config(input=str(source), output=str(output), **{"id_key_file": str(key), **flags})
    manifest = preprocess(config, parse_options(list(beam_arguments)))
    check(manifest, Path(output))
    return manifest


def read(output):
    """Post id -> split and everything else of its record."""
    manifest, vocabulary = Manifest.load(output), Vocabulary.load(Path(output) / "vocabulary.tsv")
    posts = {}
    for split in manifest.splits:
        for shard in sorted((Path(output) / split).glob("*.tfrecord")):
            serialized = list(tf.data.TFRecordDataset(str(shard)).as_numpy_iterator())
            batch = records.parse(tf.constant(serialized), manifest)
            columns = {
                name: value.to_list() if name.startswith("tags") else value.numpy()
                for name, value in batch.items()
            }
            for row in range(len(serialized)):
                post = {name: column[row] for name, column in columns.items()}
                post["tags"] = [vocabulary.tags[tag] for tag in post["tags"]]
                post["tags_removed"] = [vocabulary.tags[tag] for tag in post["tags_removed"]]
                post_id = post["post_id"].decode()
                assert post_id not in posts
                posts[post_id] = {**post, "split": split}
    return posts


def check_same(one, other, descriptors_within=0.0):
    """Two datasets have the same records, descriptors but for a relative difference."""
    one, other = read(one), read(other)
    assert one.keys() == other.keys()
    for post_id, post in one.items():
        expected = other[post_id]
        if descriptors_within:
            apart = np.linalg.norm(post.pop("descriptor") - expected["descriptor"])
            assert apart <= descriptors_within * np.linalg.norm(expected["descriptor"])
        for name, value in post.items():
            np.testing.assert_array_equal(value, expected[name], err_msg=f"{post_id} {name}")


def read_rejected(output):
    """What `rejected/*.jsonl` say, in the order of the input."""
    rows = []
    for path in sorted((Path(output) / "rejected").glob("*.jsonl")):
        rows += [json.loads(line) for line in path.read_text().splitlines()]
    return rows


def check(manifest, output):
    """What is true of every dataset: the counts add up and nothing else lies about."""
    counts = manifest.counts
    rejected, dropped = sum(counts["rejected"].values()), sum(counts["dropped"].values())
    assert counts["posts_read"] == counts["posts_written"] + rejected + dropped
    posts = read(output)
    assert len(posts) == counts["posts_written"]
    assert len(read_rejected(output)) == rejected
    for split, sizes in manifest.splits.items():
        mine = [post for post in posts.values() if post["split"] == split]
        assert len(mine) == sizes["posts"]
        assert sum(len(post["tags"]) for post in mine) == sizes["tag_pairs"]
        assert sum(post["out_of_vocabulary"] for post in mine) == sizes["out_of_vocabulary"]
        assert len(list((output / split).glob("*"))) == sizes["shards"]
    users = [{p["user_id"] for p in posts.values() if p["split"] == s} for s in manifest.splits]
    assert not any(one & other for one, other in itertools.combinations(users, 2))
    allowed = {"train", "validation", "test", "vocabulary.tsv", "dataset.json"}
    allowed |= {"rejected"} if rejected else set()
    allowed |= {"descriptor_model"} if manifest.cnn else set()
    assert {path.name for path in output.iterdir()} == allowed
    assert manifest == Manifest.load(output)
    assert manifest.num_tags == len(Vocabulary.load(output / "vocabulary.tsv"))
    assert not [path for path in output.parent.iterdir() if path.name.startswith(".")]
