"""`python -m tagkeras.explain`: as a process once, then in process."""

import dataclasses
import io
import json
import re
import subprocess
import sys

import numpy as np
import pytest
import tensorflow as tf
from evaluated_runs import start_run
from PIL import Image
from rich.console import Console
from tiny_cnn import save_cnn
from tiny_dataset import write_dataset
from told_dataset import tell_more
from training_runs import parse_flags

from tagkeras.cli.errors import UserError
from tagkeras.data import input as data_input
from tagkeras.data.manifest import Manifest
from tagkeras.data.user import User
from tagkeras.explain import __main__ as explain
from tagkeras.explain import output
from tagkeras.explain.counterfactuals import describe_users
from tagkeras.explain.explain import explain as explain_photo
from tagkeras.explain.photo_descriptor import descriptor_of_post
from tagkeras.images.cnn.descriptor_model import FOLDER, save_descriptor_model
from tagkeras.images.cnn.load import load_cnn
from tagkeras.train.model import restore_model
from tagkeras.train.workdir import Workdir

N = 12
SIZE = (16, 20)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Two datasets, one of images and one of ready descriptors, a run of each, and a photo."""
    folder = tmp_path_factory.mktemp("explain")
    images = write_dataset(folder / "images", posts=150)
    save_cnn(folder / "cnn.keras", size=SIZE, descriptor_size=N)
    save_descriptor_model(load_cnn(str(folder / "cnn.keras")), images / FOLDER)
    cnn = {"name": "cnn.keras", "layer": "descriptor"}
    dataclasses.replace(Manifest.load(images), cnn=cnn).save(images)
    ready = write_dataset(folder / "ready", posts=150, seed=1)
    start_run(images, folder / "run", epochs=1)
    for model in ("bilinear", "user_biased"):
        start_run(ready, folder / model, model=model, epochs=1)
    told = tell_more(write_dataset(folder / "told", posts=150, people=20, seed=2))
    nothing = ("age", "gender", "country", "place", "camera", "followers")
    silent = tell_more(write_dataset(folder / "silent", posts=150, seed=3), masked=nothing)
    for data in (told, silent):
        start_run(data, folder / f"{data.name}_run", epochs=3)
    pixels = np.random.default_rng(0).integers(0, 256, size=(*SIZE, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(folder / "ball.jpg", quality=90)
    (folder / "broken.jpg").write_bytes((folder / "ball.jpg").read_bytes()[:80])
    return folder


@pytest.fixture
def ask(folder, monkeypatch, capsys):
    """Runs the command in the folder; gives what it printed, `out` and `err`."""
    monkeypatch.chdir(folder)

    def run(**options):
        paths = {"workdir": "run", "data": "images"}
        explain.main(parse_flags(explain.Config, **{**paths, **options}))
        return capsys.readouterr()

    return run


def top_of(folder, workdir, descriptor, user, k):
    """The k best by the model itself."""
    model, manifest = restore_model(Workdir(folder / workdir)), Manifest.load(folder / workdir)
    batch = {"descriptor": descriptor[None], "user_descriptor": describe_users([user], manifest)}
    _, ids = model.top_k(model(batch), k)
    return [Workdir(folder / workdir).vocabulary().tags[i] for i in ids.numpy()[0]]


def tags_of(answer):
    return [tag["hashtag"] for tag in answer["hashtags"]]


@pytest.mark.slow
def test_as_a_process_with_a_photo(folder):
    flags = ["--workdir=run", "--data=images", "--image=ball.jpg", "--hashtag=#Tag3", "--json"]
    flags += ["--ages=16,70", "--genders=female", "--cities=London,Leeds/GB/53.8/-1.55"]
    flags += ["--age=41", "--country=gb", "--factors=3"]
    argv = [sys.executable, "-m", "tagkeras.explain", *flags]
    done = subprocess.run(argv, cwd=folder, capture_output=True, text=True, check=True)
    answer = json.loads(done.stdout)
    assert (answer["image"], answer["post_id"]) == ("ball.jpg", None)
    assert (answer["model"], answer["workdir"], answer["epoch"]) == ("multiplicative", "run", 1)

    # The descriptor by Keras itself: the layer's output for the pixels of the file.
    cnn = load_cnn(str(folder / "cnn.keras"))
    pixels = tf.io.decode_jpeg(tf.io.read_file(str(folder / "ball.jpg")))
    descriptor = cnn.describe(tf.cast(pixels, tf.float32)[None]).numpy()[0]
    girl, woman = answer["age_and_gender"]
    assert girl["user"]["name"] == "female, 16"
    assert (woman["user"]["age"], woman["user"]["country"]) == (70, "GB")
    user = User(age=70, gender="female", country="GB")
    assert tags_of(woman) == top_of(folder, "run", descriptor, user, 10)
    leeds = answer["cities"][1]
    assert leeds["user"]["name"] == "Leeds"
    user = User(age=41, country="GB", latitude=53.8, longitude=-1.55)
    assert tags_of(leeds) == top_of(folder, "run", descriptor, user, 10)
    e = answer["explanation"]
    assert (e["hashtag"], e["num_hashtags"], len(e["contributions"])) == ("tag3", 20, 3)
    assert [w["fact"] for w in e["without"]] == ["age", "country"]
    total = sum(c["value"] for c in e["contributions"]) + e["others"]
    assert total == pytest.approx(e["score"] - e["unknown_score"], abs=1e-5)
    everything = top_of(folder, "run", descriptor, User(age=41, country="GB"), 20)
    assert everything.index("tag3") + 1 == e["rank"]


@pytest.mark.parametrize("split", ["train", "validation", "test"])
def test_posts_of_every_split(folder, ask, split):
    """The stored descriptor of the post is taken."""
    dataset = folder / "images"
    (batch,) = data_input.read_split(dataset, Manifest.load(dataset), split, 1000)
    row = len(batch["post_id"]) - 1
    post_id = batch["post_id"].numpy()[row].decode()
    answer = json.loads(ask(post_id=post_id, ages="33", genders="male", cities="", json=True).out)
    assert (answer["image"], answer["post_id"], answer["cities"]) == (None, post_id, [])
    assert answer["explanation"] is None
    user = User(age=33, gender="male")
    expected = top_of(folder, "run", batch["descriptor"].numpy()[row], user, 10)
    assert tags_of(answer["age_and_gender"][0]) == expected


@pytest.mark.parametrize(
    ("user", "label"),
    [
        (User(), "unknown user"),
        (User(age=30.5, gender="other"), "other, 30.5"),
        (User(country="gb", latitude=51.507, longitude=-0.128), "GB, 51.51 -0.128"),
        (User(gender="female", name="Ann"), "Ann"),
    ],
)
def test_labels_of_users(user, label):
    assert user.label == label


def test_default_cities_are_two_of_each_country(ask):
    answer = json.loads(ask(image="ball.jpg", json=True, top_k=2).out)
    assert len(answer["age_and_gender"]) == 8
    names = [city["user"]["name"] for city in answer["cities"]]
    assert len(names) == 10
    assert names[2:4] == ["London", "Birmingham"]
    assert {len(city["hashtags"]) for city in answer["cities"]} == {2}


def test_tables_on_a_pipe(ask):
    flags = {"genders": "male", "hashtag": "tag3", "country": "US", "gender": "female"}
    out = ask(image="ball.jpg", ages="16,70", factors=3, top_k=5, **flags).out
    assert "\x1b" not in out
    assert "ball.jpg by gender and age (US; multiplicative model, epoch 1)" in out
    assert "ball.jpg by city (female; multiplicative model, epoch 1)" in out
    assert re.search(r"\| +\| male, 16 +\| male, 70 +\|", out)
    assert re.search(r"#tag3 for female, US: rank \d+ of 20, score -?\d\.\d{3};", out)
    assert "Were one thing unknown: gender rank " in out
    # Of eight factors and two values of the user descriptor.
    rows = re.findall(r"^\| (\d+|gender|country US) +\| +[+-]0\.", out, re.MULTILINE)
    assert len(rows) == 3
    assert "| 7 others" in out
    assert "| together" in out


def test_features_of_the_user_biased_model(ask):
    flags = {"workdir": "user_biased", "data": "ready", "post_id": "test7", "cities": ""}
    out = ask(**flags, ages="", hashtag="tag3", country="US", latitude=40, longitude=-74).out
    assert re.search(r"\| country US +\| +[+-]0\.\d+ \| +1\.00 \| +0\.00 \|", out)
    assert "by city" not in out
    assert "by gender and age" not in out


def test_the_bilinear_model_says_that_users_make_no_difference(ask):
    flags = {"workdir": "bilinear", "data": "ready", "post_id": "test7", "hashtag": "tag3"}
    out = ask(**flags, country="US", cities="London,Denver").out
    assert out.count("users make no difference") == 1
    assert "*" not in out
    answer = json.loads(ask(**flags, country="US", json=True).out)
    assert answer["explanation"]["contributions"] == []
    assert answer["explanation"]["score"] == answer["explanation"]["unknown_score"]
    assert len({tuple(tags_of(one)) for one in answer["age_and_gender"]}) == 1


def test_tables_fold_to_the_terminal_and_mark_what_one_list_has(folder, monkeypatch):
    monkeypatch.chdir(folder)
    paths = {"workdir": "run", "data": "images", "image": "ball.jpg"}
    flags = {"hashtag": "tag3", "country": "US", "cities": "London,Denver,Sydney"}
    answer = explain_photo(parse_flags(explain.Config, **paths, **flags, ages="1,99", top_k=5))
    stream = io.StringIO()
    console = Console(file=stream, force_terminal=True, width=46, color_system="standard")
    output.print_tables(answer, console)
    out = re.sub(r"\x1b\[[0-9;]*m", "", stream.getvalue())
    assert max(map(len, out.splitlines())) <= 46
    headings = [line for line in out.splitlines() if re.search("male, 1|male, 99", line)]
    assert len(headings) > 1
    lists = [[tag.hashtag for tag in ranked.hashtags] for ranked in answer.cities]
    own = [tag for tags in lists for tag in tags if sum(tags.count(tag) for tags in lists) == 1]
    starred = re.findall(r"\x1b\[1;32m#(tag\d+)\*", stream.getvalue().split("by city")[1])
    assert sorted(starred) == sorted(own)


def test_without_cities_of_the_countries_it_says_so(ask, monkeypatch):
    monkeypatch.setattr("tagkeras.explain.counterfactuals.default_cities", lambda countries: [])
    printed = ask(image="ball.jpg", json=True)
    assert json.loads(printed.out)["cities"] == []
    assert "no city of the dataset's countries is known: name some by --cities" in printed.err


def said(err):
    """The lines of standard error, but for progress."""
    return [line for line in err.splitlines() if not line.startswith("looking for post")]


TOLD = {"workdir": "told_run", "data": "told", "post_id": "test7"}


def test_only_facts_that_the_model_looks_at_are_offered(folder, ask):
    """Of this dataset's users the country, a camera and a number are told."""
    answer = json.loads(ask(**TOLD, json=True, top_k=4).out)
    assert (answer["age_and_gender"], answer["cities"]) == ([], [])
    users = {name: [one["user"] for one in lists] for name, lists in answer["categories"].items()}
    assert list(users) == ["country", "camera"]
    assert [user["country"] for user in users["country"]] == ["US", "GB", "CA", "AU", "NZ"]
    assert [user["more"] for user in users["camera"]] == [{"camera": "phone"}, {"camera": "slr"}]
    out = ask(**TOLD, fact="camera=slr,followers=150", categories="country").out
    assert "post test7 by country (camera slr, followers 150; multiplicative model, epoch" in out
    assert "by camera" not in out
    descriptor = descriptor_of_post(folder / "told", Manifest.load(folder / "told"), "test7")
    user = User(country="GB", more={"camera": "slr", "followers": 150})
    answer = json.loads(ask(**TOLD, fact="camera=slr,followers=150", json=True).out)
    expected = top_of(folder, "told_run", descriptor, user, 10)
    assert tags_of(answer["categories"]["country"][1]) == expected


def test_what_is_told_in_vain_is_named(ask):
    """And changes no answer."""

    def answer_of(**options):
        printed = ask(**TOLD, hashtag="tag3", json=True, categories="", **options)
        return json.loads(printed.out)["explanation"], said(printed.err)

    plain, lines = answer_of(country="GB")
    assert lines == []
    more, lines = answer_of(
        country="GB", age=30, latitude=1, longitude=2, fact="camera=film", genders="male",
        cities="London,Paris/FR/48.9/2.4",
    )  # fmt: skip
    ignored = "it is the same or unknown in all training posts, so that the model ignores it"
    assert lines == [
        f"age: {ignored}",
        f"home town: {ignored}",
        "camera film is none of those that the dataset tells apart (phone, slr): the model takes it"
        " as unknown",
        f"gender: {ignored}",
        "country FR is none of those that the dataset tells apart (US, GB, CA, AU, NZ): the model"
        " takes it as unknown",
    ]
    assert [fact["fact"] for fact in more["without"]] == ["country", "camera"]
    for name in ("score", "rank", "contributions", "others"):
        assert more[name] == plain[name]


def test_a_model_that_looks_at_no_fact_lists_the_hashtags_once(ask):
    silent = {"workdir": "silent_run", "data": "silent", "post_id": "test7"}
    nothing = "the model looks at no fact of users"
    printed = ask(**silent, cities="London", json=True)
    assert json.loads(printed.out)["cities"] == []
    named = [line.split(":")[0] for line in said(printed.err)]
    assert named == ["country", "home town", nothing]
    printed = ask(**silent)
    assert said(printed.err) == [f"{nothing}: everybody is given the same"]
    assert "post test7 (unknown user; multiplicative model, epoch" in printed.out
    assert "| unknown user " in printed.out


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({**TOLD, "fact": "lens=3"}, "--fact=lens=3: .* the dataset, which has camera, followers"),
        ({**TOLD, "fact": "age=3"}, "--fact=age=3: give NAME=VALUE of a fact of the dataset"),
        ({**TOLD, "fact": "followers=many"}, "--fact=followers=many: followers must be a number"),
        ({**TOLD, "categories": "lens"}, "--categories=lens: give some of country, camera"),
        ({"image": "ball.jpg", "fact": "camera=slr"}, "which has none of its own"),
        ({}, "give either --image=FILE or --post_id=POST"),
        ({"image": "absent.jpg"}, "cannot read the image absent.jpg: No such file"),
        ({"image": "broken.jpg"}, "broken.jpg is no picture that can be decoded"),
        ({"post_id": "test999"}, "images has no post 'test999' in train, validation, test"),
        (
            {"image": "ball.jpg", "workdir": "bilinear", "data": "ready"},
            "ready was made of ready descriptors .* name one of its posts by --post_id",
        ),
        ({"image": "ball.jpg", "cities": "Londn"}, "did you mean London"),
        ({"image": "ball.jpg", "ages": "16,160"}, "age must be from 0 to 150, got 160"),
        ({"image": "ball.jpg", "ages": "old"}, "--ages=old: could not convert .*: give years"),
        ({"image": "ball.jpg", "latitude": 3}, "go together"),
        ({"image": "ball.jpg", "hashtag": "tga3", "age": 3}, "did you mean #tag"),
        ({"image": "ball.jpg", "hashtag": "tag3"}, "say something of the user"),
        ({"image": "ball.jpg", "top_k": 21}, "--top_k=21: the vocabulary has 20 tags"),
        ({"image": "ball.jpg", "data": "ready"}, "ready has another vocabulary than run"),
    ],
)
def test_mistakes_get_one_line(ask, options, words):
    with pytest.raises(UserError, match=words) as caught:
        ask(**options)
    assert "\n" not in str(caught.value)


def test_hashed_post_ids_are_hinted_at(folder, ask, tmp_path):
    dataset = write_dataset(tmp_path / "hashed", posts=150)
    privacy = {"post_ids": "HMAC-SHA256"}
    run, other = Manifest.load(folder / "images"), Manifest.load(dataset)
    dataclasses.replace(other, cnn=run.cnn, privacy=privacy).save(dataset)
    with pytest.raises(UserError, match="'abc' in train, .*: its post ids are stored as hashes"):
        ask(data=dataset, post_id="abc")
