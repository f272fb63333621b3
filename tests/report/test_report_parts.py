import dataclasses

import numpy as np
import pyarrow as pa
import pytest

from tagkeras.cli.errors import UserError
from tagkeras.evaluate.comparison import compare
from tagkeras.evaluate.evaluation import Evaluation
from tagkeras.report.chosen_tags import most_different_tags
from tagkeras.report.commands import differing_flags, lines_of, train_command
from tagkeras.report.gains import gain_over_ranking
from tagkeras.report.headline import make_headline
from tagkeras.report.runs import Run, make_group
from tagkeras.report.sections.findings import sentences_of
from tagkeras.report.sections.results import rows_of
from tagkeras.train.workdir import Workdir

pytestmark = pytest.mark.slow


def load(world, model):
    workdir = Workdir(world / "runs" / model)
    return Run(model, Evaluation.load(world / "eval" / model), workdir, world / "dataset")


def table(precision, truth=(30, 20, 10, 0)):
    columns = {"tag": list("abcd"), "truth": list(truth)}
    return pa.table({**columns, "average_precision": pa.array(precision, pa.float64())})


def test_tags_that_runs_differ_most_on():
    tables = {"one": table([0.5, 0.1, 0.9, None]), "other": table([0.6, 0.5, 0.7, None])}
    assert most_different_tags(tables) == ["b", "c", "a"]
    assert most_different_tags(tables, 1) == ["b"]
    assert most_different_tags({"one": tables["one"]}) == ["a", "b", "c"]


def test_commands_leave_out_defaults():
    config = {"data": "my data", "workdir": "w", "rank": 8, "epochs": 15, "jit_compile": True}
    assert differing_flags(config) == {"rank": 8, "jit_compile": True}
    assert train_command(config) == (
        "python -m tagkeras.train \\\n    '--data=my data' \\\n    --workdir=w \\\n    --rank=8"
        " \\\n    --jit_compile"
    )
    assert lines_of(["python", "--compare", "a", "b"]) == "python \\\n    --compare a b"


def test_the_gain_over_a_ranking_is_the_difference_of_the_metrics(world):
    """And has the interval that two runs with those hits would have."""
    run = load(world, "bilinear").evaluation
    gain = gain_over_ranking(run, run, "frequency_baseline", "R@10")
    metrics = run.metrics
    assert gain.second == pytest.approx(metrics["R@10"])
    assert gain.first == pytest.approx(metrics["frequency_baseline"]["R@10"])
    posts = run.posts
    as_run = Evaluation(run.path, metrics)
    hits = {"model": posts.hits["frequency_baseline"]}
    as_run.__dict__["posts"] = dataclasses.replace(posts, hits=hits)
    expected = compare(as_run, run)["R@10"]
    for name in ("difference", "low", "high", "p_value"):
        assert getattr(gain, name) == pytest.approx(getattr(expected, name))


def test_the_headline(world):
    runs = [load(world, model) for model in ("bilinear", "user_biased", "multiplicative")]
    group = make_group("natural", runs)
    assert list(group.runs) == ["bilinear", "user_biased", "multiplicative"]
    recall = {name: run.metrics["R@10"] for name, run in group.runs.items()}
    found = make_headline(group)
    assert found.metric == "R@10"
    assert found.value == max(recall.values()) == recall[found.best]
    assert found.over_bilinear.difference == pytest.approx(
        max(recall["user_biased"], recall["multiplicative"]) - recall["bilinear"]
    )
    assert found.oracle is found.way is None


def test_the_headline_where_another_run_has_the_baselines(world):
    """In an experiment, one run of a dataset has them for all."""
    runs = [load(world, model) for model in ("multiplicative", "bilinear", "user_biased")]
    expected = make_headline(make_group("natural", runs))
    for run in runs:
        if run.model != "user_biased":
            metrics = dict(run.metrics)
            for name in ("frequency_baseline", "demographic_baseline", "neighbour_baseline"):
                del metrics[name]
            metrics["intervals"] = {"model": metrics["intervals"]["model"]}
            run.evaluation.__dict__["metrics"] = metrics
    group = make_group("natural", runs)
    assert make_headline(group) == expected
    assert next(row.label for row in rows_of(group)) == "frequency baseline"


@pytest.mark.parametrize(
    ("difference", "p_value", "words"),
    [
        (0.1, 0.001, "Knowing who posts helps: multiplicative against bilinear"),
        (-0.1, 0.001, "Knowing who posts does harm"),
        (0.1, 0.2, "Knowing who posts is not seen to help"),
    ],
)
def test_the_head_claims_no_more_than_the_numbers(world, difference, p_value, words):
    runs = [load(world, model) for model in ("bilinear", "multiplicative")]
    group = make_group("natural", runs)
    found = make_headline(group)
    gain = dataclasses.replace(found.over_bilinear, difference=difference, p_value=p_value)
    sentences = " ".join(sentences_of(group, dataclasses.replace(found, over_bilinear=gain)))
    assert words in sentences
    assert ("may make" in sentences.partition("who posts")[2]) == (p_value > 0.05)


def with_oracle(run, value, distribution):
    metrics = {**run.metrics, "oracle": {"R@10": value}}
    metrics["dataset"] = {**run.metrics["dataset"], "distribution": distribution}
    return dataclasses.replace(run, evaluation=Evaluation(run.evaluation.path, metrics))


def test_the_way_to_the_oracle(world):
    run = load(world, "bilinear")
    floor, value = run.metrics["frequency_baseline"]["R@10"], run.metrics["R@10"]
    oracle = floor + 2 * abs(value - floor) + 0.1
    found = make_headline(make_group("natural", [with_oracle(run, oracle, "natural")]))
    assert found.way == pytest.approx((value - floor) / (oracle - floor))
    assert (found.bilinear, found.sees_user, found.over_bilinear) == (None, None, None)
    found = make_headline(make_group("balanced", [with_oracle(run, oracle, "balanced")]))
    assert found.way is None


def test_names_of_runs(world):
    run = load(world, "bilinear")
    names = ("bilinear-d64-seed0", "bilinear-d128-seed0", "mine-seed0")
    runs = [dataclasses.replace(run, name=name) for name in names]
    assert list(make_group("natural", runs).runs) == [
        "bilinear-d64",
        "bilinear-d128",
        "bilinear (mine)",
    ]
    other = dataclasses.replace(run, name="bilinear-d64-seed1")
    assert list(make_group("natural", [runs[0], other]).runs) == [
        "bilinear-d64-seed0",
        "bilinear-d64-seed1",
    ]
    with pytest.raises(UserError, match="have the same name"):
        make_group("natural", [runs[0], runs[0]])


def test_of_many_runs_the_best_of_each_model_is_shown(world):
    runs = [load(world, "user_biased")]
    for number, validation in enumerate((0.1, 0.4, 0.3, 0.2)):
        run = dataclasses.replace(load(world, "bilinear"), name=f"bilinear-d{number}")
        run.__dict__["validation"] = validation
        runs.append(run)
    group = make_group("natural", runs)
    assert list(group.shown) == ["user_biased", "bilinear-d1"]
    assert group.of_model("bilinear") == "bilinear-d1"
    assert group.of_model("multiplicative") is None
    assert np.isclose(group.runs["bilinear-d2"].validation, 0.3)
