import collections
import gzip
import hashlib
import hmac
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import tensorflow as tf
from beam_helpers import (
    SIZE,
    check_same,
    give_images,
    make_posts,
    read,
    read_rejected,
    run,
    write_lines,
)
from tiny_cnn import save_cnn

from beam.posts import identities
from beam.preprocess.config import Config
from beam.running.publish import published
from beam.staging import passes
from beam.staging.staging_folder import StagingFolder
from tagkeras.cli.errors import UserError
from tagkeras.data.facts import FactSchema
from tagkeras.data.hashtags import normalize
from tagkeras.data.vocabulary import Vocabulary
from tagkeras.images.cnn.descriptor_model import DescriptorModel
from tagkeras.layers import UserDescriptor

KEY = b"0123456789abcdef0123456789abcdef"


@pytest.fixture(scope="module")
def cnn(tmp_path_factory):
    path = tmp_path_factory.mktemp("cnn") / "cnn.keras"
    save_cnn(path)
    return str(path)


def test_posts_with_descriptors(tmp_path):
    rows = make_posts(300)
    manifest = run(write_lines(tmp_path / "posts.jsonl", rows), tmp_path / "out")
    posts = read(tmp_path / "out")
    assert manifest.counts["posts_read"] == 300
    assert manifest.cnn is manifest.image_decoder is None
    assert (manifest.descriptor_size, manifest.descriptor_dtype) == (SIZE, "float16")
    assert manifest.privacy["id_key"] == "file"
    for row in rows:
        post = posts[row["post_id"]]
        np.testing.assert_array_equal(post["descriptor"], np.float16(row["descriptor"]))
        given = {normalize(tag) for tag in row["hashtags"]}
        assert set(post["tags"]) <= given
        assert len(post["tags"]) + post["out_of_vocabulary"] == len(given)
        digest = hmac.new(KEY, row["user_id"].encode(), hashlib.sha256).hexdigest()
        assert post["user_id"] == digest.encode()
        assert post["age"] == row["age"]
        assert post["gender"].decode() == (row["gender"] or "")
        assert post["country"].decode() == (row["country"] or "")
    # The vocabulary counts training posts.
    counts = collections.Counter(
        tag for post in posts.values() if post["split"] == "train" for tag in post["tags"]
    )
    vocabulary = Vocabulary.load(tmp_path / "out" / "vocabulary.tsv")
    assert dict(zip(vocabulary.tags, vocabulary.counts.tolist(), strict=True)) == counts
    assert all(posts[p]["out_of_vocabulary"] == 0 for p in posts if posts[p]["split"] == "train")


def test_user_descriptors_are_those_of_the_layer(tmp_path):
    rows = make_posts(60)
    rows[0] |= {"latitude": 51.5074, "longitude": -0.1278, "age": None}
    run(
        write_lines(tmp_path / "posts.jsonl", rows),
        tmp_path / "out",
        countries=("FR", "US"),
        location_decimals=2,
    )
    posts = list(read(tmp_path / "out").values())
    first = next(post for post in posts if post["post_id"] == b"post0")
    np.testing.assert_allclose(first["location"], [51.51, -0.13], atol=1e-5)
    location = tf.constant([post["location"] for post in posts])
    described = UserDescriptor(FactSchema(("FR", "US"), 2))(
        {n: tf.constant([post[n] for post in posts]) for n in ("age", "gender", "country")}
        | {"latitude": location[:, 0], "longitude": location[:, 1]}
    )
    stored = [post["user_descriptor"] for post in posts]
    np.testing.assert_allclose(stored, described, atol=1e-6)


def test_posts_with_images(tmp_path, cnn):
    rows = give_images(make_posts(60), tmp_path / "in" / "images")
    (tmp_path / "in" / "images" / "3.jpg").write_bytes(b"\xff\xd8 no picture")
    (tmp_path / "in" / "images" / "4.jpg").write_bytes(b"")
    (tmp_path / "in" / "images" / "5.jpg").unlink()
    manifest = run(
        write_lines(tmp_path / "in" / "posts.jsonl", rows),
        tmp_path / "out",
        cnn=cnn,
        descriptor_dtype="float32",
    )
    assert manifest.counts["rejected"] == {"image_missing": 1, "image_unreadable": 2}
    rejected = read_rejected(tmp_path / "out")
    assert [row["post_id"] for row in rejected] == ["post3", "post4", "post5"]
    assert manifest.cnn["name"] == "cnn.keras"
    assert manifest.cnn["layer"] == "descriptor"
    assert manifest.image_decoder["height"] == 16
    posts = read(tmp_path / "out")
    kept = [row for row in rows if row["post_id"] in posts]
    assert len(kept) == 57
    contents = [(tmp_path / "in" / row["image"]).read_bytes() for row in kept]
    expected = DescriptorModel.load(tmp_path / "out" / "descriptor_model")(tf.constant(contents))
    stored = [posts[row["post_id"]]["descriptor"] for row in kept]
    np.testing.assert_allclose(stored, expected, atol=1e-5)
    assert np.std(stored, axis=0).min() > 0


def test_parquet_with_image_bytes_and_image_root(tmp_path, cnn):
    rows = give_images(make_posts(40), tmp_path / "photos", suffix=".png")
    table = pa.Table.from_pylist(rows)
    for row in rows[:20]:
        row["image_bytes"] = (tmp_path / row["image"]).read_bytes()
        row["image"] = None
    pq.write_table(
        pa.Table.from_pylist(rows, table.schema.append(pa.field("image_bytes", pa.binary()))),
        tmp_path / "posts.parquet",
        row_group_size=15,
    )
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    pq.write_table(table, elsewhere / "posts.parquet")
    mixed = run(tmp_path / "posts.parquet", tmp_path / "a", cnn=cnn)
    by_path = run(elsewhere / "posts.parquet", tmp_path / "b", cnn=cnn, image_root=str(tmp_path))
    assert mixed.counts == by_path.counts
    check_same(tmp_path / "a", tmp_path / "b", descriptors_within=2e-3)


def test_the_same_posts_from_any_format(tmp_path, monkeypatch):
    monkeypatch.setattr(passes, "BLOCK_ROWS", 40)
    monkeypatch.setattr(passes, "RANGE_BYTES", 3000)
    rows = make_posts(120)
    write_lines(tmp_path / "a-0.jsonl", rows[:50])
    write_lines(tmp_path / "a-1.jsonl", rows[50:])
    lines = "".join(json.dumps(row) + "\r\n\r\n" for row in rows)
    (tmp_path / "b.jsonl.gz").write_bytes(gzip.compress(lines.encode("utf-8-sig")))
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "c.parquet", row_group_size=50)
    table = pa.Table.from_pylist(rows)
    fixed = pa.array(table["descriptor"].to_pylist(), pa.list_(pa.float32(), SIZE))
    table = table.set_column(table.schema.get_field_index("descriptor"), "descriptor", fixed)
    pq.write_table(table, tmp_path / "d.parquet")
    first = run(tmp_path / "a-*.jsonl", tmp_path / "first")
    assert (first.counts["posts_written"], first.splits["train"]["shards"]) == (120, 8)
    for name in ("b.jsonl.gz", "c.parquet", "d.parquet"):
        manifest = run(tmp_path / name, tmp_path / "out", num_shards=3)
        assert manifest.splits["train"]["shards"] == 3
        check_same(tmp_path / "out", tmp_path / "first")


def test_splits_stay_when_posts_are_added(tmp_path):
    rows = make_posts(200)
    few = run(write_lines(tmp_path / "few.jsonl", rows[:80]), tmp_path / "few", test_fraction=0.3)
    run(write_lines(tmp_path / "all.jsonl", rows[::-1]), tmp_path / "all", test_fraction=0.3)
    run(tmp_path / "few.jsonl", tmp_path / "other", test_fraction=0.3, split_seed=7)
    before, after, other = (read(tmp_path / name) for name in ("few", "all", "other"))
    assert few.splits["test"]["posts"] > 5
    assert all(after[post_id]["split"] == post["split"] for post_id, post in before.items())
    assert any(other[post_id]["split"] != post["split"] for post_id, post in before.items())


def test_balancing_keeps_the_pairs_that_the_rule_keeps(tmp_path):
    rows = make_posts(300, users=100)
    rows[5]["hashtags"] = ["#Tag1"]
    source = write_lines(tmp_path / "posts.jsonl", rows)
    target = 20.0
    flags = {"distribution": "balanced", "balance_target": target, "split_seed": 3}
    manifest = run(source, tmp_path / "out", **flags)
    vocabulary = Vocabulary.load(tmp_path / "out" / "vocabulary.tsv")
    counts = dict(zip(vocabulary.tags, vocabulary.counts.tolist(), strict=True))
    posts = read(tmp_path / "out")
    dropped, kept_in_train = 0, collections.Counter()
    for row in rows:
        tags = sorted({normalize(tag) for tag in row["hashtags"]})
        digest = hashlib.blake2b(row["post_id"].encode(), digest_size=16).digest()
        known = [tag for tag in tags if tag in counts]
        limits = [min(1.0, target / counts[tag]) for tag in known]
        draws = [identities.draw_pair(digest, tag, 3) for tag in known]
        kept = [tag for tag, x, limit in zip(known, draws, limits, strict=True) if x < limit]
        unknown = [tag for tag in tags if tag not in counts]
        post = posts.get(row["post_id"])
        if post is None:
            assert not kept
            dropped += 1
            continue
        assert sorted(post["tags"]) == kept
        assert sorted(post["tags"] + post["tags_removed"] + unknown) == tags
        if post["split"] == "train":
            assert kept
            kept_in_train.update(kept)
    assert manifest.counts["dropped"] == {"no_tag_left_by_balancing": dropped}
    assert dropped > 0
    most = max(counts, key=counts.get)
    assert counts[most] > 3 * target
    assert abs(kept_in_train[most] - target) < 4 * target**0.5
    histograms = manifest.distribution["tags_by_training_posts"]
    assert sum(histograms["natural"].values()) == sum(histograms["balanced"].values())
    assert manifest.distribution["target"] == target
    run(source, tmp_path / "again", **flags)
    check_same(tmp_path / "again", tmp_path / "out")


def test_tag_limits_and_hidden_post_ids(tmp_path):
    rows = make_posts(60, users=30, hashtags=["common"])
    rows[0]["hashtags"] = rows[1]["hashtags"] = ["common", "twice", "alone"]
    rows[1]["user_id"] = rows[0]["user_id"]
    rows[2]["hashtags"] = rows[3]["hashtags"] = ["common", "shared"]
    rows[2]["user_id"], rows[3]["user_id"] = "anna", "ben"
    rows[4]["hashtags"] = ["unique"]
    source = write_lines(tmp_path / "posts.jsonl", rows)
    all_train = {"test_fraction": 0.0, "validation_fraction": 0.0}
    manifest = run(source, tmp_path / "out", min_tag_users=2, post_ids="hash", **all_train)
    assert Vocabulary.load(tmp_path / "out" / "vocabulary.tsv").tags == ("common", "shared")
    assert manifest.counts["dropped"] == {"train_post_without_known_tag": 1}
    posts = read(tmp_path / "out")
    hidden = hmac.new(KEY, b"post0", hashlib.sha256).hexdigest()
    assert posts[hidden]["out_of_vocabulary"] == 2
    assert not any(post_id.startswith("post") for post_id in posts)
    run(source, tmp_path / "few", min_tag_count=2, max_tags=2, test_fraction=0.0)
    assert Vocabulary.load(tmp_path / "few" / "vocabulary.tsv").tags == ("common", "alone")


def test_replaces_a_dataset_and_nothing_else(tmp_path, monkeypatch):
    source = write_lines(tmp_path / "posts.jsonl", make_posts(20))
    monkeypatch.setenv("TAGKERAS_ID_KEY", "another key of enough bytes")
    first = run(source, tmp_path / "out", id_key_file=None)
    assert first.privacy["id_key"] == "environment"
    (tmp_path / "out" / "left_over").write_text("of the dataset before")
    monkeypatch.delenv("TAGKERAS_ID_KEY")
    second = run(source, tmp_path / "out", id_key_file=None)
    assert second.privacy["id_key"] == "ephemeral"
    bad = write_lines(tmp_path / "bad.jsonl", make_posts(20, hashtags=[]))
    before = (tmp_path / "out" / "dataset.json").read_bytes()
    with pytest.raises(UserError, match="all 20 posts are rejected, most often no_hashtags"):
        run(bad, tmp_path / "out")
    assert (tmp_path / "out" / "dataset.json").read_bytes() == before
    inside = write_lines(tmp_path / "out" / "x.jsonl", make_posts(3))
    with pytest.raises(UserError, match="would replace what is to be read"):
        run(inside, tmp_path / "out")
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "diary.txt").write_text("x")
    with pytest.raises(UserError, match="holds other things than an earlier dataset.json"):
        run(source, tmp_path / "mine")
    key = tmp_path / "out" / "key"
    key.write_text("0123456789abcdef")
    with pytest.raises(UserError, match="would replace what is to be read, .*key"):
        run(source, tmp_path / "out", id_key_file=str(key))
    with pytest.raises(UserError, match="is a file"):
        run(source, tmp_path / "posts.jsonl")


@pytest.mark.parametrize(
    ("rows", "flags", "words"),
    [
        ([], {}, "no posts, the input is empty"),
        (["", "  "], {}, "no posts"),
        ([{"post_id": "a"}], {}, "neither image, image_bytes nor descriptor"),
        ([*make_posts(3), {"image": "a.jpg"}], {}, "have images, those of .* descriptors"),
        (
            [*make_posts(150), {**make_posts(1)[0], "descriptor": None, "image": "a"}],
            {},
            "some posts have images and some descriptors.*byte",
        ),
        (make_posts(20), {"min_tag_count": 1000}, "no hashtag is on at least 1000 training posts"),
        (
            [*make_posts(20), "x", "y"],
            {"max_rejected_fraction": 0.05},
            "2 of 22 posts are rejected, more than --max_rejected_fraction=0.05.*malformed_row",
        ),
        (
            make_posts(6, user_id="u"),
            {"test_fraction": 0.9999, "validation_fraction": 0.0},
            "no training posts",
        ),
        (make_posts(3), {"id_key_file": "/nowhere"}, "--id_key_file=/nowhere: No such file"),
        (make_posts(3), {"id_key_file": "short"}, "a key of 6 bytes; give at least 16"),
    ],
)
def test_one_clear_line(tmp_path, monkeypatch, rows, flags, words):
    monkeypatch.chdir(tmp_path)
    Path("short").write_text("secret")
    source = write_lines(tmp_path / "posts.jsonl", rows)
    with pytest.raises(UserError, match=words) as raised:
        run(source, tmp_path / "out", **flags)
    assert "\n" not in str(raised.value)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        ({"countries": ("USA",)}, "--countries: .*'USA'"),
        ({"countries": ("US", "US")}, "countries must differ"),
        ({"test_fraction": 0.6, "validation_fraction": 0.4}, "sum must be below 1"),
        ({"balance_target": 5.0}, "needs --distribution=balanced"),
        ({"user_categories": ("hashtags",)}, "'hashtags' cannot name a fact"),
        ({"user_categories": ("a b",)}, "'a b' cannot name a fact"),
        ({"user_categories": ("x",), "user_numbers": ("x",)}, "'x' names two facts"),
        ({"user_numbers": ("age",)}, "'age' names two facts"),
        ({"only_countries": ("usa",)}, "--only_countries: countries must be codes"),
        ({"test_posts": 5, "test_fraction": 0.1}, "give one of the two"),
    ],
)
def test_flags_that_do_not_fit(flags, words):
    with pytest.raises(UserError, match=words):
        Config(input="x", output="y", **flags)


def test_the_command(tmp_path):
    source = write_lines(tmp_path / "posts.jsonl", [*make_posts(30), "bad"])
    command = [sys.executable, "-m", "beam.preprocess", f"--input={source}"]
    command += [f"--output={tmp_path / 'out'}", "--test_fraction=0.2"]
    done = subprocess.run([*command, "--direct_num_workers=1"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[0] == "31 posts read"
    assert lines[2] == "1 posts rejected: malformed_row 1"
    assert lines[-1] == f"wrote {tmp_path / 'out'}"
    assert "posts/s" in done.stderr
    assert "Traceback" not in done.stderr


def test_stop_tags(tmp_path):
    rows = make_posts(60, hashtags=["#TBT", "beach"])
    rows[0]["hashtags"] = ["#tbt", "Follow4Follow"]
    source = write_lines(tmp_path / "posts.jsonl", rows)
    (tmp_path / "stop.txt").write_text("#Tbt\n\nfollow4follow\n")
    flags = {"stop_tags": str(tmp_path / "stop.txt"), "test_fraction": 0.3}
    manifest = run(source, tmp_path / "out", **flags)
    assert Vocabulary.load(tmp_path / "out" / "vocabulary.tsv").tags == ("beach",)
    assert manifest.counts["dropped"] == {"only_stop_tags": 1}
    assert manifest.vocabulary["stop_tags"] == 2
    # They are not counted as unknown either.
    assert all(post["out_of_vocabulary"] == 0 for post in read(tmp_path / "out").values())
    for content, words in [
        (b"ok\n###\n", "stop.txt, line 2: no hashtag"),
        (b"\xff", "stop.txt: not UTF-8"),
    ]:
        (tmp_path / "stop.txt").write_bytes(content)
        with pytest.raises(UserError, match=words):
            run(source, tmp_path / "out", **flags)
    with pytest.raises(UserError, match="none.txt: No such file"):
        run(source, tmp_path / "out", stop_tags=str(tmp_path / "none.txt"))


def test_what_killed_workers_leave_is_not_published(tmp_path):
    with published(str(tmp_path / "out"), "m.json") as folder:
        (Path(folder) / "train").mkdir()
        (Path(folder) / "train" / ".00000.tfrecord.0123abcd.tmp").touch()
        (Path(folder) / "train" / "00000.tfrecord").touch()
    assert [path.name for path in (tmp_path / "out" / "train").iterdir()] == ["00000.tfrecord"]


def test_a_disk_that_takes_nothing_more(tmp_path, monkeypatch):
    def write(*_):
        raise OSError(28, "No space left on device", "/shared/x.arrow")

    monkeypatch.setattr(StagingFolder, "stage", write)
    source = write_lines(tmp_path / "posts.jsonl", make_posts(10))
    with pytest.raises(UserError, match=r"^a worker stopped: No space left on device"):
        run(source, tmp_path / "out")
    assert not (tmp_path / "out").exists()
