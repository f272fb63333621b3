"""Specifications: what is taken, and the line that is named where something does not fit."""

import re

import pytest
from experiment_helpers import write_manifest

from tagkeras.cli.errors import UserError
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
    assert spec.seeds == [0, 3]
    assert spec.split == "test"
    flags = ["epochs=2", "schedule=plateau", "tensorboard=true", "margin=0.2"]
    assert spec.train == dict(flag.split("=") for flag in flags)
    assert spec.evaluate == {"ks": "1,3"}
    names = ["bilinear-d8", "bilinear-d16", "multiplicative-d8-k2", "multiplicative-d8-k4"]
    expected = [f"natural/{name}-seed{seed}" for seed in (0, 3) for name in names]
    assert [run.path for run in spec.runs] == expected


def test_folders_of_the_command_line_replace_those_of_the_file(folder, monkeypatch):
    write_manifest(folder / "elsewhere" / "other")
    monkeypatch.chdir(folder / "elsewhere")
    # The one in the file then need not be there.
    spec = read_spec(write(folder, GOOD.replace("path: data", "path: gone")), ["natural=other"])
    assert spec.datasets["natural"].path == str(folder / "elsewhere" / "other")


def test_files_of_a_dataset(folder):
    (folder / "posts.jsonl").touch()
    files = "path: data\n    posts: posts*.jsonl\n    oracle: posts.jsonl"
    dataset = read_spec(write(folder, GOOD.replace("path: data", files))).datasets["natural"]
    assert (dataset.posts, dataset.image_root) == (str(folder / "posts*.jsonl"), None)
    assert dataset.oracle == str(folder / "posts.jsonl")


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("seeds: [0, 3]", "seed: [0, 3]", "seeds: Field required; seed: Extra inputs are not perm"),
        ("[0, 3]", "[]", "seeds: List should have at least 1 item"),
        ("[0, 3]", "[0, -3]", "seeds[1]: Input should be greater than or equal to 0, not -3"),
        ("[0, 3]", "[0, 0]", "the file: grid and seeds give bilinear-d8-seed0 twice"),
        ("path: data", "path: gone", "datasets.natural.path: .*gone does not exist"),
        ("natural:", "../x:", "datasets.../x.[key]: String should match pattern"),
        ("model: bilinear", "model: linear", "grid[0].model: Input should be 'bilinear', 'user_b"),
        ("[8, 16]", "[8, 16.5]", "grid[0].embedding_dim[1]: Input should be a valid integer"),
        (", rank: [2, 4]", "", "grid[1]: give 'rank' to the multiplicative model, and to no other"),
        ("  epochs: 2", "  epoch: 2", "train: Unknown command line flag 'epoch'. Did you mean: ep"),
        ("  epochs: 2", "  seed: 2", "train: the experiment sets --seed itself: leave it out"),
        ("  epochs: 2", "  epochs: two", "train: flag --epochs=two: "),
        ("  epochs: 2", "  epochs:", "train.epochs: give a number, a text or a list of them"),
        ("  epochs: 2", "  epochs: 2\n  epochs: 3", "is not YAML: epochs is given twice"),
        # The evaluation is checked before any training.
        ("ks: [1, 3]", "ks: [1, 9999]", "datasets.natural: --ks=1,9999: the vocabulary has"),
        ("ks: [1, 3]", "baselines: [foo]", "datasets.natural: --baselines=foo: give some of"),
    ],
)
def test_what_is_wrong_is_named(folder, old, new, message):
    assert old in GOOD
    path = write(folder, GOOD.replace(old, new))
    pattern = re.escape(message).replace(r"\.\*", ".*")
    with pytest.raises(UserError, match=rf"^{re.escape(str(path))}:? {pattern}"):
        read_spec(path)


@pytest.mark.parametrize("content", [b"# nothing", b"a", b"a: &a [*a]", b"\xff\xfe\x00\xd8\x00"])
def test_not_a_specification(folder, content):
    (folder / "spec.yaml").write_bytes(content)
    with pytest.raises(UserError, match="spec.yaml"):
        read_spec(folder / "spec.yaml")
    with pytest.raises(UserError, match="gone.yaml: No such file"):
        read_spec(folder / "gone.yaml")


def test_datasets_that_cannot_be_evaluated(folder):
    (folder / "empty").mkdir()
    with pytest.raises(UserError, match="datasets.natural: .*beam.preprocess"):
        read_spec(write(folder, GOOD.replace("path: data", "path: empty")))
    write_manifest(folder / "bare", test=0)
    with pytest.raises(UserError, match="datasets.natural: .*bare has no posts in its test split"):
        read_spec(write(folder, GOOD.replace("path: data", "path: bare")))


@pytest.mark.parametrize("text", ["natural", "=data", "natural=", "other=data"])
def test_dataset_flags_that_do_not_fit(folder, text):
    with pytest.raises(UserError, match=f"--datasets={text}: give NAME=FOLDER, by a name in "):
        read_spec(write(folder, GOOD), [text])
