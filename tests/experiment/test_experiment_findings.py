"""Findings from numbers by hand, whose verdict is known: seen, not seen, contrary."""

import json
import math

import numpy as np
import pytest
from experiment_helpers import SIZES, make_results, spread

from tagkeras.experiment.findings import (
    CONTRARY,
    NOT_SEEN,
    SEEN,
    better,
    find_all,
    gain_larger_on_balanced,
    larger_embedding_worse,
    more_varied_on_balanced,
    top_gains_depend_on_both,
    write_findings,
)
from tagkeras.experiment.spec import Configuration

BILINEAR, BIASED, MULTIPLICATIVE = (SIZES[model] for model in SIZES)


def widen(results, configuration, value, width):
    """Gives a model a wider spread: the difference of two equal ones has none."""
    metrics = ("P@1", "R@10", "A@10")
    results.models[configuration].update({name: spread(value, width) for name in metrics})


@pytest.mark.parametrize(("value", "verdict"), [(0.55, SEEN), (0.503, NOT_SEEN), (0.45, CONTRARY)])
def test_one_model_over_another(value, verdict):
    results = make_results({"bilinear": 0.5, "user_biased": value}, width=0.01)
    widen(results, BIASED, value, 0.02)
    finding = better(results, "user_biased", "bilinear")
    assert (finding["verdict"], finding["metric"], finding["datasets"]) == (
        verdict,
        "R@10",
        ["natural"],
    )
    assert finding["value"] == pytest.approx(value - 0.5)
    assert (finding["low"], finding["high"]) == pytest.approx((value - 0.51, value - 0.49))
    assert set(finding["metrics"]) == {"R@10", "P@1", "A@10"}
    assert finding["text"].startswith(
        f"user-biased {100 * value:.1f}% against bilinear 50.0% in R@10"
    )


def test_models_are_compared_in_the_sizes_that_they_share():
    models = {
        Configuration("bilinear", 8): 0.3,
        Configuration("bilinear", 16): 0.4,
        Configuration("bilinear", 32): 0.9,
        Configuration("multiplicative", 8, 2): 0.5,
        Configuration("multiplicative", 8, 4): 0.7,
        Configuration("multiplicative", 16, 2): 0.4,
        Configuration("multiplicative", 64, 2): 0.0,
        Configuration("user_biased", 128): 0.0,
    }
    finding = better(make_results(models), "multiplicative", "bilinear")
    assert finding["value"] == pytest.approx(((0.5 + 0.7) / 2 + 0.4) / 2 - (0.3 + 0.4) / 2)
    assert "d = 8, 16" in finding["text"]
    assert "takes both models" in better(make_results(models), "user_biased", "bilinear")


@pytest.mark.parametrize(("gain", "verdict"), [(0.1, SEEN), (0.06, NOT_SEEN), (0.0, CONTRARY)])
def test_gain_larger_on_balanced(gain, verdict):
    natural = make_results({"user_biased": 0.5, "multiplicative": 0.55})
    balanced = make_results({"user_biased": 0.4, "multiplicative": 0.4 + gain}, name="balanced")
    widen(balanced, MULTIPLICATIVE, 0.4 + gain, 0.03)
    finding = gain_larger_on_balanced([natural, balanced], "absolute")
    assert (finding["verdict"], finding["datasets"]) == (verdict, ["natural", "balanced"])
    assert finding["value"] == pytest.approx(gain - 0.05)
    assert (finding["low"], finding["high"]) == pytest.approx((gain - 0.07, gain - 0.03))
    relative = gain_larger_on_balanced([natural, balanced], "relative")
    assert relative["value"] == pytest.approx(gain / 0.4 - 0.05 / 0.5)
    assert relative["unit"] == "ratio"


@pytest.mark.parametrize(("large", "verdict"), [(0.4, SEEN), (0.5, NOT_SEEN), (0.6, CONTRARY)])
def test_a_larger_embedding_is_worse(large, verdict):
    models = {
        Configuration("bilinear", 8): 0.5,
        Configuration("bilinear", 16): 0.9,
        Configuration("bilinear", 32): large,
    }
    finding = larger_embedding_worse(make_results(models), "bilinear")
    assert finding["value"] == pytest.approx(large - 0.5)
    assert finding["verdict"] == verdict
    assert "d = 32 less d = 8" in finding["text"]


def test_sizes_are_compared_in_the_ranks_that_they_share():
    models = {
        Configuration("multiplicative", 8, 2): 0.1,
        Configuration("multiplicative", 8, 4): 0.5,
        Configuration("multiplicative", 16, 4): 0.3,
        Configuration("multiplicative", 16, 8): 0.9,
    }
    finding = larger_embedding_worse(make_results(models), "multiplicative")
    assert finding["value"] == pytest.approx(0.3 - 0.5)
    del models[Configuration("multiplicative", 8, 4)]
    assert "takes two" in larger_embedding_worse(make_results(models), "multiplicative")


@pytest.mark.parametrize(("entropy", "verdict"), [(7.5, SEEN), (7.0, NOT_SEEN), (6.5, CONTRARY)])
def test_balanced_predictions_are_more_varied(entropy, verdict):
    pair = [
        make_results(
            {"bilinear": 0.5}, name=name, variety={"bilinear": {"entropy@10": spread(bits, width)}}
        )
        for name, bits, width in (("natural", 7.0, 0.2), ("balanced", entropy, 0.1))
    ]
    finding = more_varied_on_balanced(pair, "bilinear", "entropy")
    assert (finding["verdict"], finding["unit"]) == (verdict, "bits")
    assert finding["value"] == pytest.approx(entropy - 7)
    assert (finding["low"], finding["high"]) == pytest.approx((entropy - 7.1, entropy - 6.9))
    assert f"{entropy:.2f} bits on balanced data against 7.00 bits" in finding["text"]
    assert "takes" in more_varied_on_balanced(pair, "user_biased", "entropy")


def with_tags(gains, kinds, num_posts):
    """Results whose multiplicative model recalls tag i better by gains[i] than the bilinear one.

    The multiplicative model has two ranks, the bilinear one also a size that the other lacks.
    """
    number, other = len(gains), Configuration("multiplicative", 8, 8)
    return make_results(
        {"bilinear": 0.5, Configuration("bilinear", 16): 0.5, "multiplicative": 0.6, other: 0.6},
        tags=tuple(f"tag{i}" for i in range(number)),
        tag_posts=np.array(num_posts),
        tag_recalls={
            BILINEAR: np.full(number, 0.1),
            Configuration("bilinear", 16): np.linspace(0, 1, number),
            MULTIPLICATIVE: np.full(number, 0.1),
            other: 0.1 + 2 * np.array(gains),
        },
        hashtag_kinds={f"tag{i}": kind for i, kind in enumerate(kinds)},
    )


@pytest.mark.parametrize(("observed", "verdict"), [(4, SEEN), (2, NOT_SEEN), (0, CONTRARY)])
def test_largest_gains(observed, verdict):
    """Of 16 tags half are of both, and of the 4 with the largest gains `observed`."""
    first = ["both"] * observed + ["image"] * (4 - observed)
    rest = ["both"] * (8 - observed) + ["user"] * (4 + observed)
    results = with_tags(np.linspace(0.5, -0.1, 16), first + rest, [50] * 16)
    finding = top_gains_depend_on_both(results, top=4)
    assert finding["value"] == pytest.approx(observed / 4 - 0.5)
    if observed != 2:  # C(8, 4) / C(16, 4) = 70 / 1820 on either side, twice: 0.077
        assert finding["p_value"] == pytest.approx(2 * 70 / 1820)
    # Wilson (1927): of n the share p lies at (p + z^2 / 2n +- z sqrt(p (1 - p) / n + z^2 / 4n^2))
    # / (1 + z^2 / n).
    n, p, z = 4, observed / 4, 1.959964
    half = z * math.sqrt(p * (1 - p) / n + z**2 / (4 * n**2))
    for bound, sign in ((finding["low"], -1), (finding["high"], 1)):
        expected = (p + z**2 / (2 * n) + sign * half) / (1 + z**2 / n)
        assert bound == pytest.approx(expected - 0.5)
    assert finding["verdict"] == NOT_SEEN
    many = with_tags(np.linspace(0.5, -0.1, 64), first * 4 + rest * 4, [50] * 64)
    found = top_gains_depend_on_both(many, top=16)
    assert found["verdict"] == verdict
    assert "of the 16 hashtags of the largest gains (#tag0, #tag1," in found["text"]


def test_tags_of_few_posts_or_unknown_kinds_do_not_count():
    kinds = ["both"] * 4 + ["image"] * 4 + ["user"] * 4
    results = with_tags(np.linspace(0.5, 0, 12), kinds, [19, *[50] * 11])
    del results.hashtag_kinds["tag1"]
    finding = top_gains_depend_on_both(results, top=2)
    assert finding["value"] == pytest.approx(1 - 2 / 10)  # tag2 and tag3, of ten
    assert "takes hashtag_kinds" in top_gains_depend_on_both(results, top=6)


def test_all_claims(tmp_path):
    variety = {
        model: {"entropy@10": spread(6, 0.1), "coverage@10": spread(0.5, 0.1)} for model in SIZES
    }
    values = {"bilinear": 0.5, "user_biased": 0.6, "multiplicative": 0.7}
    both = [make_results(values, name=name, variety=variety) for name in ("natural", "balanced")]
    findings, untested = find_all(both)
    assert (
        len({(finding["name"], *finding["datasets"]) for finding in findings}) == 2 * 3 + 2 + 3 * 2
    )
    # One size each, and nothing is known of hashtags.
    assert len(untested) == 2 * 3 + 2
    write_findings(tmp_path, both, findings, untested)
    read = json.loads((tmp_path / "findings.json").read_text())
    assert read == findings
    text = (tmp_path / "findings.md").read_text()
    assert text.count("| seen |") == sum(finding["verdict"] == SEEN for finding in findings)
    assert "2 seeds; in brackets 95% intervals over users and seeds." in text
    assert "- larger embeddings of the bilinear model on natural: takes two embedding sizes" in text


def test_one_dataset_and_one_seed(tmp_path):
    results = make_results({"bilinear": 0.5, "user_biased": 0.6}, seeds=(0,))
    findings, untested = find_all([results])
    assert [finding["name"] for finding in findings] == ["user_biased_over_bilinear"]
    write_findings(tmp_path, [results], findings, untested)
    text = (tmp_path / "findings.md").read_text()
    assert "One seed; in brackets 95% intervals over users: how far seeds differ is not" in text
    assert "gain larger on balanced data: takes one natural and one balanced dataset" in text
