"""Groups of runs, and what the page says of them first and last."""

import dataclasses

import pytest

from tagkeras.cli.errors import UserError
from tagkeras.evaluate.comparison import compare
from tagkeras.evaluate.evaluation import Evaluation
from tagkeras.report.page import make_environment
from tagkeras.report.runs import Run, make_group
from tagkeras.report.sections.data import command_of, differing_flags
from tagkeras.report.sections.head import headline
from tagkeras.report.sections.results import differences_of, rankings_of
from tagkeras.train.workdir import Workdir

pytestmark = pytest.mark.slow


def load(world, model):
    workdir = Workdir(world / "runs" / model)
    return Run(model, Evaluation.load(world / "eval" / model), workdir, world / "dataset")


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
    others = [name for name in group.runs if name != "bilinear-d1"]
    assert list(differences_of(group))[:4] == [(name, "bilinear-d1") for name in others]


class TestHeadline:
    def test_gains_over_the_bilinear_run_and_the_most_frequent_hashtags(self, world):
        runs = [load(world, model) for model in ("bilinear", "user_biased", "multiplicative")]
        recall = {run.name: run.metrics["R@10"] for run in runs}
        found = headline(make_group("natural", runs))
        assert found["metric"] == "R@10"
        assert found["estimate"].value == max(recall.values()) == recall[found["best"]]
        assert found["over_bilinear"].difference == pytest.approx(
            max(recall["user_biased"], recall["multiplicative"]) - recall["bilinear"]
        )
        assert "oracle" not in found
        # The gain over a baseline is that over a run with its hits.
        best = load(world, found["best"]).evaluation
        baseline = Evaluation(best.path, best.metrics)
        hits = {"model": best.posts.hits["frequency_baseline"]}
        baseline.__dict__["posts"] = dataclasses.replace(best.posts, hits=hits)
        expected = dataclasses.asdict(compare(baseline, best)["R@10"])
        assert dataclasses.asdict(found["over_frequency"]) == pytest.approx(expected)

    def test_where_another_run_has_the_baselines(self, world):
        """In an experiment, one run of a dataset has them for all."""
        runs = [load(world, model) for model in ("multiplicative", "bilinear", "user_biased")]
        expected = headline(make_group("natural", runs))
        for run in runs[:2]:
            metrics = dict(run.metrics)
            for name in ("frequency_baseline", "demographic_baseline", "neighbour_baseline"):
                del metrics[name]
            metrics["intervals"] = {"model": metrics["intervals"]["model"]}
            run.evaluation.__dict__["metrics"] = metrics
        group = make_group("natural", runs)
        assert headline(group)["over_frequency"] == expected["over_frequency"]
        assert rankings_of(group, ["R@10"])[0].name == "frequency_baseline"

    def test_the_way_to_the_oracle(self, world):
        run = load(world, "bilinear")
        floor, value = run.metrics["frequency_baseline"]["R@10"], run.metrics["R@10"]
        oracle = floor + 2 * abs(value - floor) + 0.1

        def with_oracle(distribution):
            metrics = {**run.metrics, "oracle": {"R@10": oracle}}
            metrics["dataset"] = {**run.metrics["dataset"], "distribution": distribution}
            evaluation = Evaluation(run.evaluation.path, metrics)
            return make_group("any", [dataclasses.replace(run, evaluation=evaluation)])

        found = headline(with_oracle("natural"))
        assert found["share_of_oracle"] == pytest.approx((value - floor) / (oracle - floor))
        assert "over_bilinear" not in found
        assert "oracle" not in headline(with_oracle("balanced"))

    @pytest.mark.parametrize(
        ("difference", "p_value", "words"),
        [
            (0.1, 0.001, "Knowing who posts helps: multiplicative against bilinear"),
            (-0.1, 0.001, "Knowing who posts does harm"),
            (0.1, 0.2, "Knowing who posts is not seen to help"),
        ],
    )
    def test_the_page_claims_no_more_than_the_numbers(self, world, difference, p_value, words):
        group = make_group("n", [load(world, model) for model in ("bilinear", "multiplicative")])
        found = headline(group)
        gain = dataclasses.replace(found["over_bilinear"], difference=difference, p_value=p_value)
        head = {"split": "test", "results": [{**found, "over_bilinear": gain}], "verdicts": {}}
        text = make_environment().get_template("head.html").render(head=head, groups=[group])
        assert words in text
        assert ("may make" in text.partition("Knowing who posts")[2]) == (p_value > 0.05)


def test_commands_leave_out_defaults():
    config = {"data": "d", "workdir": "w", "rank": 8, "margin": 0.2, "jit_compile": True}
    assert differing_flags(config) == {"rank": 8, "jit_compile": True}
    assert command_of(
        "tagkeras.train", {"data": "my data", "cache": False, "tags": ["a", "b"]}
    ) == ("python -m tagkeras.train \\\n    '--data=my data' \\\n    --nocache \\\n    --tags=a,b")
