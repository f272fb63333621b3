"""tagkeras.evaluate under other options, with bad ones, and where it fails half way."""

import dataclasses
import shutil
import types

import numpy as np
import pyarrow.parquet as pq
import pytest
from evaluated_runs import start_run
from evaluation_helpers import EVALUATION_FILES, KS, NUM_TAGS, evaluation, read_posts
from numpy_metrics import mean_metrics
from tiny_dataset import write_dataset
from told_dataset import tell_more

from tagkeras.cli.errors import UserError
from tagkeras.data.input import read_split
from tagkeras.data.manifest import Manifest
from tagkeras.evaluate import __main__ as command
from tagkeras.evaluate import evaluate
from tagkeras.evaluate.evaluation import Evaluation
from tagkeras.evaluate.tables import find_shortfalls
from tagkeras.train.model import restore_model
from tagkeras.train.workdir import Workdir


def again(evaluated, output, **options):
    return evaluate.evaluate(dataclasses.replace(evaluated.config, output=str(output), **options))


QUICK = {"baselines": (), "oracle": None, "curve_tags": 0, "tags": ()}


def test_ranked_in_small_batches(evaluated, tmp_path, monkeypatch):
    monkeypatch.setattr(evaluate, "BATCH_SIZE", 47)
    metrics = again(evaluated, tmp_path / "eval")
    assert metrics.keys() == evaluated.metrics.keys()
    small = Evaluation.load(tmp_path / "eval")
    assert small.posts.post_ids == evaluated.evaluation.posts.post_ids
    for name, hits in evaluated.evaluation.posts.hits.items():
        np.testing.assert_array_equal(small.posts.hits[name], hits)
    assert small.predictions["hashtags"] == evaluated.evaluation.predictions["hashtags"]
    for column in (f"{counted}@{k}" for counted in ("hits", "predicted") for k in KS):
        assert small.tags.column(column) == evaluated.evaluation.tags.column(column)
    averages = [e.tags.column("average_precision") for e in (small, evaluated.evaluation)]
    np.testing.assert_allclose(*averages, rtol=1e-5)


def test_more_is_predicted_than_metrics_count_and_less(evaluated, tmp_path):
    metrics = again(evaluated, tmp_path / "eval", ks=("20", "2", "2"), top_k=3, **QUICK)
    assert (metrics["ks"], metrics["top_k"]) == ([2, 20], 3)
    # Everything is predicted: all that is known is found.
    assert metrics["coverage@20"] == 1
    assert metrics["entropy@20"] == pytest.approx(np.log2(20))
    found = np.mean([len(p.truth) / p.num_truth for p in evaluated.posts])
    assert metrics["R@20"] == pytest.approx(found)
    rows = Evaluation.load(tmp_path / "eval").predictions.to_pylist()
    assert {len(row["hashtags"]) for row in rows} == {len(row["scores"]) for row in rows} == {3}
    loaded = Evaluation.load(tmp_path / "eval")
    assert loaded.posts.hits["model"].shape == (150, 20)
    # Without baselines, an oracle and curves.
    assert list(loaded.posts.hits) == list(metrics["intervals"]) == ["model"]
    assert not {name for name in metrics if name.endswith("_baseline") or "oracle" in name}
    for name in ("average_precision", "curve_recall", "curve_precision"):
        assert loaded.tags.column(name).null_count == NUM_TAGS


def test_another_split_and_fewer_neighbours_than_posts(evaluated, tmp_path):
    options = {**QUICK, "baselines": ("neighbour",), "neighbour_posts": 60, "split": "validation"}
    metrics = again(evaluated, tmp_path / "eval", **options)
    assert (metrics["split"], metrics["num_posts"]) == ("validation", 60)
    assert metrics["neighbour_posts"] == 60
    assert "frequency_baseline" not in metrics
    ids = [post.post_id for post in read_posts(evaluated.dataset, "validation")]
    assert Evaluation.load(tmp_path / "eval").posts.post_ids == ids


def test_main_writes_the_same_again_and_says_so(evaluated, tmp_path, capsys):
    command.main(dataclasses.replace(evaluated.config, output=str(tmp_path / "eval")))
    assert Evaluation.load(tmp_path / "eval").metrics == evaluated.metrics
    assert {path.name for path in (tmp_path / "eval").iterdir()} == EVALUATION_FILES
    for name in EVALUATION_FILES - {"metrics.json"}:
        one, other = (pq.read_table(p / "eval" / name) for p in (evaluated.folder, tmp_path))
        assert one.equals(other), name
    printed = capsys.readouterr().out
    lines = printed.splitlines()
    assert "150 posts of the test split" in printed
    for name in ("multiplicative model", "frequency baseline", "oracle user only", "95% interval"):
        assert sum(name in line for line in lines) == 1, name
    assert f"{100 * evaluated.metrics['R@6']:.2f}%" in printed
    assert lines[-1].startswith(f"wrote {tmp_path}/eval/metrics.json, ")


@pytest.mark.parametrize("started_before", [False, True])
def test_a_run_that_dies_half_way(evaluated, tmp_path, monkeypatch, started_before):
    """Nothing is there, or what was there: no mixture of both."""
    output = tmp_path / "eval"
    before = {}
    if started_before:
        shutil.copytree(evaluated.folder / "eval", output)
        (output / "notes.txt").write_text("mine")
        before = {path.name: path.read_bytes() for path in output.iterdir()}

    def die(*_, **__):
        raise RuntimeError("out of memory")

    monkeypatch.setattr(evaluate, "tag_table", die)
    with pytest.raises(RuntimeError, match="out of memory"):
        again(evaluated, output, **QUICK)
    assert {path.name: path.read_bytes() for path in output.iterdir()} == before


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"top_k": 21}, "--top_k=21: the vocabulary has 20 tags"),
        ({"ks": ("0", "5")}, "--ks=0,5: give numbers from 1 on, as in --ks=1,5,10"),
        ({"baselines": ("frequency", "luck")}, "--baselines=luck: give some of frequency, demo"),
        ({"age_groups": ("40", "18")}, "--age_groups=40,18: give rising ages in years"),
        ({"tags": ("nosuchtag",)}, "--tags=nosuchtag: not in the vocabulary"),
        ({"oracle": "nowhere.parquet"}, "--oracle=nowhere.parquet: no such file"),
        ({"workdir": "nowhere"}, "nowhere is no workdir of tagkeras.train"),
    ],
)
def test_bad_flags_are_one_line_and_leave_nothing(evaluated, tmp_path, options, message):
    with pytest.raises(UserError) as error:
        again(evaluated, tmp_path / "eval", **{**QUICK, **options})
    assert str(error.value).startswith(message)
    assert "\n" not in str(error.value)
    assert not (tmp_path / "eval").exists()


def test_more_curves_than_memory_has(evaluated, tmp_path, monkeypatch):
    monkeypatch.setattr(evaluate, "MOST_VALUES", 1500)
    with pytest.raises(UserError, match="--curve_tags=11: .* give 10 at most"):
        again(evaluated, tmp_path / "eval", **{**QUICK, "curve_tags": 11})
    again(evaluated, tmp_path / "eval", **{**QUICK, "curve_tags": 10})


def test_an_empty_split(evaluated, tmp_path):
    shutil.copytree(evaluated.dataset, tmp_path / "dataset")
    manifest = Manifest.load(tmp_path / "dataset")
    splits = {**manifest.splits, "test": {"posts": 0, "shards": 0}}
    dataclasses.replace(manifest, splits=splits).save(tmp_path / "dataset")
    with pytest.raises(UserError, match="the test split has no posts"):
        again(evaluated, tmp_path / "eval", data=str(tmp_path / "dataset"))
    assert not (tmp_path / "eval").exists()


def test_a_workdir_without_a_checkpoint(evaluated, tmp_path):
    workdir = Workdir(tmp_path / "run")
    workdir.start(evaluated.workdir.config(), evaluated.dataset)
    with pytest.raises(UserError, match="run has no checkpoint yet: run tagkeras.train to its end"):
        again(evaluated, tmp_path / "eval", workdir=str(workdir.path))


def test_another_dataset(evaluated, tmp_path):
    other = write_dataset(tmp_path / "dataset", posts=60, validation=0, test=5, num_tags=19)
    with pytest.raises(UserError, match="has another vocabulary than .*run was trained on"):
        again(evaluated, tmp_path / "eval", data=str(other))


def test_fewer_tags_than_ten(tmp_path):
    dataset = write_dataset(tmp_path / "dataset", posts=60, num_tags=7, test=20)
    workdir = start_run(dataset, tmp_path / "run", epochs=1)
    metrics = evaluate.evaluate(evaluation(workdir, dataset, tmp_path / "eval"))
    assert (metrics["ks"], metrics["top_k"]) == ([1, 7], 7)
    assert metrics["coverage@7"] == 1
    # All posts are of one user, who says nothing.
    assert metrics["num_users"] == 1
    assert set(metrics["groups"]) == {"country"}
    assert metrics["intervals"]["model"]["P@1"] == [pytest.approx(metrics["P@1"])] * 2


@pytest.fixture(scope="module")
def told(tmp_path_factory):
    """A dataset with a camera and a number, of masked age, gender and place; and two runs on it."""
    folder = tmp_path_factory.mktemp("told")
    dataset = tell_more(write_dataset(folder / "dataset", posts=300, people=12, test=80))
    runs = {m: start_run(dataset, folder / m, model=m) for m in ("multiplicative", "bilinear")}
    return types.SimpleNamespace(folder=folder, dataset=dataset, runs=runs)


def test_facts_of_the_datasets_own(told, tmp_path):
    workdir = told.runs["multiplicative"]
    metrics = evaluate.evaluate(evaluation(workdir, told.dataset, tmp_path / "eval"))
    assert set(metrics["groups"]) == {"country", "camera"}
    posts = Evaluation.load(tmp_path / "eval").posts
    (batch,) = read_split(told.dataset, Manifest.load(told.dataset), "test", 1000)
    assert posts.facts["camera"].tolist() == [camera.decode() for camera in batch["camera"].numpy()]
    np.testing.assert_array_equal(posts.facts["followers"], batch["followers"])
    cameras = [row["group"] for row in metrics["groups"]["camera"]]
    assert sorted(cameras) == ["film", "phone", "slr", "unknown"]
    assert cameras[-1] == "unknown"
    for row in metrics["groups"]["camera"]:
        known = "" if row["group"] == "unknown" else row["group"]
        assert row["posts"] == (posts.facts["camera"] == known).sum()


def test_what_an_unknown_user_gets(told, tmp_path):
    """As the model ranks for one of whom nothing is told; the bilinear model ranks no otherwise."""
    workdir = told.runs["multiplicative"]
    metrics = evaluate.evaluate(evaluation(workdir, told.dataset, tmp_path / "eval", baselines=""))
    manifest = Manifest.load(told.dataset)
    (batch,) = read_split(told.dataset, manifest, "test", 1000)
    unknown = np.array([[0.5, 0, 0, 0, 0, 0, 0, 0.5, 0.5, 0.5, 0, 0, 0]] * 80, np.float32)
    model = restore_model(workdir)
    _, ids = model.top_k(model({**batch, "user_descriptor": unknown}), 10)
    num_truth = (batch["tags"].row_lengths() + batch["out_of_vocabulary"]).numpy()
    truth = [set(tags) for tags in batch["tags"].to_list()]
    expected = mean_metrics(ids.numpy().tolist(), truth, num_truth, (1, 10))
    names = ("P@1", "R@10", "A@10")
    assert metrics["without_facts"] == pytest.approx({name: expected[name] for name in names})
    assert metrics["without_facts"] != pytest.approx({name: metrics[name] for name in names})
    # It is no ranking to compare with.
    assert list(metrics["intervals"]) == ["model"]
    assert list(Evaluation.load(tmp_path / "eval").posts.hits) == ["model"]
    bilinear = evaluation(told.runs["bilinear"], told.dataset, tmp_path / "bilinear", baselines="")
    assert "without_facts" not in evaluate.evaluate(bilinear)


def test_a_model_below_a_baseline_is_named(told, tmp_path, capsys):
    """Of a run that hardly learned anything, on standard error; a good one gets no such line."""
    idle = start_run(told.dataset, tmp_path / "idle", epochs=1, learning_rate=1e-9)
    command.main(evaluation(idle, told.dataset, tmp_path / "eval"))
    printed = capsys.readouterr()
    assert "nothing told of the user" in printed.out
    lines = [line for line in printed.err.splitlines() if line.startswith("the model is below")]
    assert len(lines) == 2
    metrics = Evaluation.load(tmp_path / "eval").metrics
    for line, name in zip(lines, ("frequency", "neighbour"), strict=True):
        other = metrics[f"{name}_baseline"]
        assert line.startswith(f"the model is below the {name} baseline (")
        for metric in ("P@1", "R@10"):
            words = f"{metric} {100 * metrics[metric]:.2f}% against {100 * other[metric]:.2f}%"
            assert (words in line) == (metrics[metric] < other[metric])
        assert "train it for more --epochs" in line
    better = {"P@1": 1.0, "R@10": 1.0}
    assert find_shortfalls({**metrics, **better}) == []
    assert find_shortfalls({**better, "ks": [1, 10]}) == []


def test_gaps_between_groups_of_enough_people(evaluated, tmp_path, monkeypatch):
    """One for each attribute that has two groups of enough users; the largest is among them."""
    monkeypatch.setattr("tagkeras.evaluate.groups.MIN_USERS", 2)
    metrics = again(evaluated, tmp_path / "eval", **QUICK)
    assert [gap["attribute"] for gap in metrics["gaps"]] == ["age", "gender", "country"]
    assert {gap["metric"] for gap in metrics["gaps"]} == {"R@6"}
    assert metrics["largest_gap"] == max(metrics["gaps"], key=lambda gap: gap["gap"])
