"""Specifications: what is taken, and the line that is named where something does not fit."""

import re

import pytest
from experiment_helpers import write_manifest, write_spec
from tagkeras.experiment.yaml_document import YamlDocument, show_place

from tagkeras.cli.errors import UserError
from tagkeras.experiment.runs import list_runs
from tagkeras.experiment.spec import read_spec

GOOD = """\
datasets:
  natural:
    path: data
grid:
  - model: bilinear
    embedding_dim: [8, 16]
  - {model: multiplicative, embedding_dim: [8], rank: [2, 4]}
seeds: [0, 3]
train:
  epochs: 2
  schedule: plateau
  tensorboard: true
  margin: 0.2
evaluate:
  ks: [1, 3]
"""


@pytest.fixture
def folder(tmp_path):
    write_manifest(tmp_path / "data")
    return tmp_path


def write(folder, text):
    path = folder / "spec.yaml"
    path.write_text(text)
    return path


def test_a_good_one(folder):
    spec = read_spec(write(folder, GOOD))
    assert spec.datasets["natural"].path == str(folder / "data")
    assert spec.seeds == (0, 3)
    assert spec.split == "test"
    assert spec.train == {
        "epochs": "2",
        "schedule": "plateau",
        "tensorboard": "true",
        "margin": "0.2",
    }
    assert spec.evaluate == {"ks": "1,3"}
    assert [run.path for run in list_runs(spec)] == [
        f"natural/{name}-seed{seed}"
        for seed in (0, 3)
        for name in (
            "bilinear-d8",
            "bilinear-d16",
            "multiplicative-d8-k2",
            "multiplicative-d8-k4",
        )
    ]


def test_paths_are_relative_to_the_file_and_folders_given_on_the_command_line_are_not(
    folder, monkeypatch
):
    write_manifest(folder / "elsewhere" / "other")
    monkeypatch.chdir(folder / "elsewhere")
    spec = read_spec(write(folder, GOOD), {"natural": "other"})
    assert spec.datasets["natural"].path == str(folder / "elsewhere" / "other")
    # The one in the file then need not be there.
    spec = read_spec(write(folder, GOOD.replace("path: data", "path: gone")), {"natural": "other"})
    assert spec.datasets["natural"].path == str(folder / "elsewhere" / "other")


def test_companions_of_a_dataset(folder):
    (folder / "posts.jsonl").write_text("")
    text = GOOD.replace(
        "path: data", "path: data\n    posts: posts*.jsonl\n    oracle: posts.jsonl"
    )
    dataset = read_spec(write(folder, text)).datasets["natural"]
    assert dataset.posts == str(folder / "posts*.jsonl")
    assert dataset.oracle == str(folder / "posts.jsonl")
    assert dataset.image_root is None


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("seeds: [0, 3]", "seed: [0, 3]", "line 8: seed: no such key; give one of datasets, grid"),
        ("seeds: [0, 3]\n", "", "line 1: 'seeds' is missing"),
        ("[0, 3]", "[]", "line 8: seeds: a list of at least one is needed, not []"),
        ("[0, 3]", "3", "line 8: seeds: a list of at least one is needed, not 3"),
        ("[0, 3]", "[0, -3]", "line 8: seeds[1]: a whole number from 0 on is needed, not -3"),
        ("[0, 3]", "[0, 0]", "line 8: seeds[1]: 0 again"),
        ("[0, 3]", "[true]", "line 8: seeds[0]: a whole number from 0 on is needed, not True"),
        ("path: data", "path: gone", "line 3: datasets.natural.path: .*gone is not there"),
        ("path: data", "path: 3", "line 3: datasets.natural.path: text is needed, not 3"),
        ("    path: data", "    folder: data", "line 3: datasets.natural.folder: no such key"),
        ("    path: data", "    {}", "line 2: datasets.natural: 'path' is missing"),
        ("path: data", "path: data\n    oracle: gone", "line 4: datasets.natural.oracle: .*gone"),
        (
            "natural:",
            "../x:",
            "line 2: datasets.../x: a name of letters, digits, - and _ is needed",
        ),
        ("model: bilinear", "model: linear", "line 5: grid[0].model: give one of bilinear, user_b"),
        ("[8, 16]", "[8, 16.5]", "line 6: grid[0].embedding_dim[1]: a whole number from 1 on"),
        (
            "[8, 16]",
            "",
            "line 6: grid[0].embedding_dim: a list of at least one is needed, not noth",
        ),
        (", rank: [2, 4]", "", "line 7: grid[1]: 'rank' is missing: multiplicative has one"),
        ("[8, 16]", "[8]\n    rank: [2]", "line 7: grid[0].rank: bilinear has none: leave it out"),
        ("  epochs: 2", "  epoch: 2", "line 10: train.epoch: tagkeras.train has no such flag"),
        ("  epochs: 2", "  seed: 2", "line 10: train.seed: the experiment gives this flag itself"),
        ("  epochs: 2", "  epochs: two", "line 10: train.epochs: flag --epochs=two: "),
        ("  epochs: 2", "  epochs: 0", "line 10: train.epochs: flag --epochs=0: "),
        ("  epochs: 2", "  epochs:", "line 10: train.epochs: a value for --epochs is needed"),
        (
            "  epochs: 2",
            "  epochs: {a: 1}",
            "line 10: train.epochs: a value for --epochs is needed",
        ),
        ("  epochs: 2", "  epochs: 2\n  epochs: 3", "line 11: train.epochs again"),
        ("  epochs: 2", "  epochs: [2", "line 11: no YAML: "),
        (
            "  ks: [1, 3]",
            "  split: test",
            "line 15: evaluate.split: the experiment gives this flag",
        ),
        ("train:\n", "train: none\nx:\n", "line 10: x: no such key"),
        (
            "seeds: [0, 3]",
            "seeds: [0]\nsplit: tset",
            "line 9: split: give one of train, validation",
        ),
    ],
)
def test_what_does_not_fit_is_named_with_its_line(folder, old, new, message):
    assert old in GOOD
    path = write(folder, GOOD.replace(old, new))
    pattern = re.escape(message).replace(r"\.\*", ".*")
    with pytest.raises(UserError, match=rf"^{re.escape(str(path))}, {pattern}"):
        read_spec(path)


@pytest.mark.parametrize("text", ["", "a", "[]", "3", "datasets: {}\ngrid: []\nseeds: []\n"])
def test_no_specification_at_all(folder, text):
    with pytest.raises(UserError, match="line 1: "):
        read_spec(write(folder, text or "# nothing\n"))


def test_files_that_cannot_be_read(folder):
    with pytest.raises(UserError, match="gone.yaml: No such file"):
        read_spec(folder / "gone.yaml")
    (folder / "binary.yaml").write_bytes(b"\xff\xfe\x00\xd8\x00")
    with pytest.raises(UserError, match="is no UTF-8 text"):
        read_spec(folder / "binary.yaml")


def test_a_folder_that_is_no_dataset(folder):
    (folder / "empty").mkdir()
    with pytest.raises(UserError, match="line 3: datasets.natural.path: .*beam.preprocess"):
        read_spec(write(folder, GOOD.replace("path: data", "path: empty")))


def test_a_dataset_without_posts_in_the_split(folder):
    write_manifest(folder / "bare", test=0)
    with pytest.raises(UserError, match="line 3: .*bare has no posts in its test split"):
        read_spec(write(folder, GOOD.replace("path: data", "path: bare")))


def test_a_dataset_of_the_command_line_that_the_file_does_not_have(folder):
    with pytest.raises(
        UserError, match="--datasets=other=...: .* has no such dataset, but natural"
    ):
        read_spec(write(folder, GOOD), {"other": "data"})


def test_a_configuration_twice(folder):
    grid = [
        {"model": "bilinear", "embedding_dim": [8]},
        {"model": "bilinear", "embedding_dim": [8]},
    ]
    spec = read_spec(write_spec(folder / "spec.yaml", {"natural": folder / "data"}, grid=grid))
    with pytest.raises(UserError, match="the grid has bilinear-d8 twice"):
        list_runs(spec)


def test_a_value_that_contains_itself(folder):
    with pytest.raises(UserError, match="contains itself|no YAML"):
        YamlDocument(write(folder, "a: &a [*a]\n"))


def test_places():
    assert show_place(("grid", 0, "rank", 1)) == "grid[0].rank[1]"


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        ("ks: [1, 9999]", "evaluate, on natural: --ks=1,9999: the vocabulary has"),
        ("baselines: [foo]", "evaluate, on natural: --baselines=foo: give some of"),
        ("tags: [nobody-has-it]", "--tags=nobody-has-it: not in the vocabulary"),
        ("age_groups: [30, 20]", "--age_groups=30,20: give rising ages"),
    ],
)
def test_an_evaluation_that_cannot_be_is_refused_before_training(folder, flags, message):
    with pytest.raises(UserError, match=message):
        read_spec(write(folder, GOOD.replace("ks: [1, 3]", flags)))
