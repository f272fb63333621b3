import json
import math
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import tensorflow as tf
from beam_helpers import SIZE, give_images, make_posts, read_rejected, run, write_lines
from tiny_cnn import save_cnn

from beam.predict.config import Config
from beam.predict.predict import predict
from beam.running.runner import parse_options
from beam.staging import passes
from tagkeras.cli import commandline
from tagkeras.cli.errors import UserError
from tagkeras.export import export
from tagkeras.train import train

OUTPUTS = ("hashtags", "image_embedding", "user_embedding")


def command(module, **options):
    return commandline.parse(
        module.Config, [f"--{name}={value}" for name, value in options.items()]
    )


def export_model(folder, source, model="multiplicative", **flags):
    run(source, folder / "dataset", test_fraction=0.0, **flags)
    paths = {"workdir": folder / "run", "data": folder / "dataset"}
    options = {"epochs": 1, "embedding_dim": 6, "rank": 5, "batch_size": 20, "model": model}
    train.train(command(train, **paths, **options))
    return export.export(command(export, **paths, output=folder / "models" / "tags", top_k=4))


@pytest.fixture(scope="module")
def of_images(tmp_path_factory):
    """A model of images, and their posts."""
    folder = tmp_path_factory.mktemp("of_images")
    save_cnn(folder / "cnn.keras")
    rows = give_images(make_posts(90), folder / "images")
    source = write_lines(folder / "posts.jsonl", rows)
    return export_model(folder, source, cnn=str(folder / "cnn.keras")), rows


@pytest.fixture(scope="module")
def of_descriptors(tmp_path_factory):
    """A bilinear model of ready descriptors."""
    folder = tmp_path_factory.mktemp("of_descriptors")
    return export_model(folder, write_lines(folder / "p.jsonl", make_posts(90)), model="bilinear")


def make(model, source, output, *beam_arguments, **flags):
    config = Config(model=str(model), input=str(source), output=str(output), **flags)
    return predict(config, parse_options(list(beam_arguments)))


def read_predictions(output):
    table = pq.read_table(output / "predictions")
    return {row["post_id"]: row for row in table.to_pylist()}


def ask(model, signature, rows, **inputs):
    """What a signature answers for the users of rows."""
    numbers = {
        name: [math.nan if row.get(name) is None else row[name] for row in rows]
        for name in ("age", "latitude", "longitude")
    }
    texts = {name: [row.get(name) or "" for row in rows] for name in ("gender", "country")}
    user = {name: tf.constant(values, tf.float32) for name, values in numbers.items()}
    user |= {name: tf.constant(values) for name, values in texts.items()}
    answer = tf.saved_model.load(str(model)).signatures[signature](**inputs, **user)
    return {name: value.numpy() for name, value in answer.items()}


def test_gives_what_the_signatures_answer(of_images, tmp_path):
    model, rows = of_images
    # New posts: nobody has tagged them yet.
    asked = [{k: v for k, v in row.items() if k not in ("hashtags", "user_id")} for row in rows]
    source = write_lines(model.parents[2] / "asked.jsonl", asked)
    manifest = make(model, source, tmp_path / "out", outputs=OUTPUTS, num_shards=3)
    assert manifest["counts"] == {"posts_read": 90, "posts_written": 90, "rejected": {}}
    predictions = read_predictions(tmp_path / "out")
    ordered = [predictions[row["post_id"]] for row in rows]
    contents = tf.constant([(model.parents[2] / row["image"]).read_bytes() for row in rows])
    ranked = ask(model, "serving_default", rows, image=contents)
    np.testing.assert_allclose([p["scores"] for p in ordered], ranked["scores"], atol=1e-5)
    same = [
        [tag.decode() for tag in tags] == post["hashtags"]
        for tags, post in zip(ranked["hashtags"], ordered, strict=True)
    ]
    assert np.mean(same) > 0.95  # but for ties within rounding
    seen = ask(model, "image_embedding", rows, image=contents)["embedding"]
    np.testing.assert_allclose([p["image_embedding"] for p in ordered], seen, atol=1e-5)
    users = ask(model, "user_embedding", rows)["embedding"]
    np.testing.assert_allclose([p["user_embedding"] for p in ordered], users, atol=1e-6)
    assert len(list((tmp_path / "out" / "predictions").iterdir())) == manifest["shards"] == 3
    assert {path.name for path in (tmp_path / "out").iterdir()} == {
        "predictions",
        "predictions.json",
    }
    told = json.loads((tmp_path / "out" / "predictions.json").read_text())
    assert told == manifest
    assert told["model"]["version"] == "1"
    assert told["model"]["num_tags"] > 4


@pytest.mark.slow
def test_rejects_and_guarantees(of_images, tmp_path):
    model, rows = of_images
    folder = model.parents[2]
    (folder / "images" / "bad.jpg").write_bytes(b"\xff\xd8 no picture")
    bad = [
        "{not json",
        {**rows[0], "post_id": "bad1", "image": "images/none.jpg"},
        {**rows[0], "post_id": "bad2", "image": "images/bad.jpg"},
        {**rows[0], "post_id": "bad3", "age": 900},
        {**rows[0], "post_id": "post5"},
        {**rows[0], "post_id": "bad4", "image": None},
    ]
    source = write_lines(folder / "some_bad.jsonl", [*rows[:20], *bad])
    manifest = make(model, source, tmp_path / "out", post_ids="hash")
    reasons = ["bad_age", "duplicate_post_id", "image_missing", "image_unreadable"]
    rejected = dict.fromkeys([*reasons, "malformed_row", "no_image"], 1)
    assert manifest["counts"] == {"posts_read": 26, "posts_written": 20, "rejected": rejected}
    assert len(read_rejected(tmp_path / "out")) == 6
    assert not any(post_id.startswith("post") for post_id in read_predictions(tmp_path / "out"))
    with pytest.raises(UserError, match="more than --max_rejected_fraction=0.1"):
        make(model, source, tmp_path / "other", max_rejected_fraction=0.1)
    assert not (tmp_path / "other").exists()
    before = (tmp_path / "out" / "predictions.json").read_bytes()
    with pytest.raises(UserError, match="more than --max_rejected_fraction=0.1"):
        make(model, source, tmp_path / "out", max_rejected_fraction=0.1)
    assert (tmp_path / "out" / "predictions.json").read_bytes() == before
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".")]


def test_ready_descriptors(of_images, of_descriptors, tmp_path):
    rows = make_posts(50, seed=3)
    source = write_lines(tmp_path / "posts.jsonl", rows)
    outputs = ("image_embedding", "hashtags")
    manifest = make(of_descriptors, source, tmp_path / "out", outputs=outputs)
    assert manifest["input"]["kind"] == "descriptor"
    predictions = read_predictions(tmp_path / "out")
    ordered = [predictions[row["post_id"]] for row in rows]
    descriptors = tf.constant([row["descriptor"] for row in rows], tf.float32)
    ranked = ask(of_descriptors, "descriptor", rows, descriptor=descriptors)
    np.testing.assert_allclose([p["scores"] for p in ordered], ranked["scores"], atol=1e-5)
    seen = ask(of_descriptors, "image_embedding", rows, descriptor=descriptors)["embedding"]
    np.testing.assert_allclose([p["image_embedding"] for p in ordered], seen, atol=1e-5)
    # A model of images takes descriptors of its own CNN as well; these have another length.
    with pytest.raises(UserError, match=f"descriptors of {SIZE} values, --model=.* takes 6"):
        make(of_images[0], source, tmp_path / "no")


def test_facts_are_those_that_the_signature_asks_for(tmp_path):
    texts, numbers = ("gender", "country", "camera"), ("age", "latitude", "longitude", "price")
    specs = {name: tf.TensorSpec([None], tf.string, name) for name in texts}
    specs |= {name: tf.TensorSpec([None], tf.float32, name) for name in numbers}

    @tf.function
    def answer(descriptor, **facts):
        """Says again what it was told."""
        told = tf.stack([facts["camera"], tf.strings.as_string(facts["price"], precision=1)], 1)
        return {"hashtags": told, "scores": descriptor[:, :2]}

    module = tf.Module()
    signature = answer.get_concrete_function(
        tf.TensorSpec([None, SIZE], name="descriptor"), **specs
    )
    tf.saved_model.save(module, str(tmp_path / "1"), signatures={"descriptor": signature})
    told = [{"camera": "a", "price": 2}, {"camera": 7, "price": None}, {"price": math.nan}]
    expected = [["a", "2.0"], ["7", "nan"], ["", "nan"]]
    rows = [{**row, **facts} for row, facts in zip(make_posts(3), told, strict=True)]
    bad = {**rows[0], "post_id": "bad", "price": "2"}
    sources = [write_lines(tmp_path / "posts.jsonl", [*rows, bad]), tmp_path / "posts.parquet"]
    rows[1]["camera"] = "7"
    pq.write_table(pa.Table.from_pylist([rows[0], *rows[1:], {**bad, "price": 1e39}]), sources[1])
    for source in sources:
        manifest = make(tmp_path / "1", source, tmp_path / "out")
        assert manifest["counts"]["rejected"] == {"bad_price": 1}
        predictions = read_predictions(tmp_path / "out")
        assert [predictions[f"post{n}"]["hashtags"] for n in range(3)] == expected


@pytest.mark.parametrize("workers", [1, pytest.param(2, marks=pytest.mark.slow)])
def test_one_model_for_all_processes(of_images, tmp_path, workers, monkeypatch):
    model, rows = of_images
    monkeypatch.setattr(passes, "IMAGE_BLOCK_ROWS", 10)
    source = write_lines(model.parents[2] / "all.jsonl", rows)
    make(model, source, tmp_path / "out", f"--direct_num_workers={workers}", large_model=True)
    make(model, source, tmp_path / "alone")
    ours, alone = read_predictions(tmp_path / "out"), read_predictions(tmp_path / "alone")
    assert ours.keys() == alone.keys()
    for post_id, post in ours.items():
        np.testing.assert_allclose(post["scores"], alone[post_id]["scores"], atol=1e-5)


@pytest.mark.slow
def test_the_documented_search_finds_the_images_of_a_hashtag(of_images, tmp_path, monkeypatch):
    model, rows = of_images
    text = (Path(__file__).parents[2] / "docs" / "search.md").read_text()
    (code,) = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    source = write_lines(model.parents[2] / "collection.jsonl", rows)
    make(model, source, tmp_path / "index", outputs=("image_embedding", "hashtags"))
    (tmp_path / "models" / "hashtags").mkdir(parents=True)
    (tmp_path / "models" / "hashtags" / "1").symlink_to(model)
    monkeypatch.chdir(tmp_path)
    names = {}
    exec(code, names)
    predictions = read_predictions(tmp_path / "index")
    hashtag = predictions["post0"]["hashtags"][0]
    found = names["search"](hashtag, count=len(rows))
    assert [score for _, score in found] == sorted([score for _, score in found], reverse=True)
    scores = dict(found)
    assert scores.keys() == predictions.keys()
    for post_id, post in predictions.items():
        if hashtag in post["hashtags"]:
            served = post["scores"][post["hashtags"].index(hashtag)]
            np.testing.assert_allclose(scores[post_id], served, atol=1e-5)
    with pytest.raises(KeyError, match="not in the vocabulary"):
        names["search"]("nobody wrote this")


def test_one_clear_line(of_images, of_descriptors, tmp_path):
    model, rows = of_images
    described = write_lines(tmp_path / "descriptors.jsonl", make_posts(3))
    with_images = write_lines(tmp_path / "images.jsonl", rows[:3])
    broken = tmp_path / "broken"
    broken.mkdir()
    (broken / "saved_model.pb").write_bytes(b"\xff\xff no model")
    for path, source, flags, words in [
        (model.parent, with_images, {}, "no SavedModel there; name a version folder"),
        (broken, with_images, {}, "a damaged SavedModel"),
        (model.parents[2] / "dataset" / "descriptor_model", with_images, {}, "no signature"),
        (of_descriptors, with_images, {}, "cannot describe them"),
        (of_descriptors, described, {"outputs": ("user_embedding",)}, "no multiplicative model"),
        (model, tmp_path / "none.jsonl", {}, "no such file"),
    ]:
        with pytest.raises(UserError, match=words) as raised:
            make(path, source, tmp_path / "out", **flags)
        assert "\n" not in str(raised.value)
    for outputs, words in [
        (("tags",), "'tags' is none of"),
        ((), "nothing"),
        (OUTPUTS * 2, "twice"),
    ]:
        with pytest.raises(UserError, match=words):
            Config(model="m", input="i", output="o", outputs=outputs)


@pytest.mark.slow
def test_the_command(of_descriptors, tmp_path):
    source = write_lines(tmp_path / "posts.jsonl", [*make_posts(30), "bad"])
    arguments = [f"--model={of_descriptors}", f"--input={source}", f"--output={tmp_path / 'out'}"]
    done = subprocess.run(
        [sys.executable, "-m", "beam.predict", *arguments], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [
        "31 posts read",
        "30 posts written: hashtags",
        "1 posts rejected: malformed_row 1",
        f"wrote {tmp_path / 'out'}",
    ]
    assert "Traceback" not in done.stderr
    assert "WARNING" not in done.stderr
