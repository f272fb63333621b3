"""The claims of the paper, each tested on the results of an experiment.

A claim is tested by a number that would be 0 if there were nothing in it. Models are compared in
the embedding sizes that both have: picking the best size by the test posts would favour the larger
grid. A claim that cannot be tested yields a text that says what it takes.
"""

import dataclasses
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import scipy.stats

from tagkeras.cli import files
from tagkeras.experiment.experiment_folder import FINDINGS, FINDINGS_TEXT
from tagkeras.experiment.results import DatasetResults, interval, over_sizes, p_value

BILINEAR, USER_BIASED, MULTIPLICATIVE = "bilinear", "user_biased", "multiplicative"
# As they are called in sentences.
TITLES = {BILINEAR: "bilinear", USER_BIASED: "user-biased", MULTIPLICATIVE: "multiplicative"}
SEEN, NOT_SEEN, CONTRARY = "seen", "not seen", "contrary"
# Hashtags of the largest gains that are looked at, as many as the paper shows.
TOP_TAGS = 20
# Posts that a hashtag must be on: the recall of rarer ones is chance.
MIN_POSTS = 20


@dataclasses.dataclass(frozen=True, kw_only=True)
class Finding:
    """A claim and what the data say of it.

    Attributes:
        name: of the claim, with the model where there are several.
        claim: in a sentence.
        datasets: names of those that it was tested on.
        metric: that the verdict goes by, such as `R@10`.
        unit: `fraction`, `ratio` (of fractions) or `bits`.
        value: the number that the claim is about.
        low: end of its 95% interval.
        high: the other end.
        p_value: of the hypothesis that it is 0, two-sided.
        verdict: `seen` (the interval lies on the claim's side of 0), `contrary` (on the other) or
            `not seen` (0 is inside).
        text: the numbers in words.
        metrics: value, low, high, p_value and verdict by each metric that was looked at.
    """

    name: str
    claim: str
    datasets: tuple[str, ...]
    metric: str
    unit: str
    value: float
    low: float
    high: float
    p_value: float
    verdict: str
    text: str
    metrics: Mapping[str, Mapping[str, Any]] = dataclasses.field(default_factory=dict)


def find_all(results: Sequence[DatasetResults]) -> tuple[list[Finding], list[str]]:
    """Tests all claims.

    Returns:
        The findings, and the claims that could not be tested, each with what it takes.
    """
    pairs = ((USER_BIASED, BILINEAR), (MULTIPLICATIVE, BILINEAR), (MULTIPLICATIVE, USER_BIASED))
    found = [better(data, model, other) for data in results for model, other in pairs]
    found += [gain_larger_on_balanced(results, relative=relative) for relative in (False, True)]
    found += [larger_embedding_worse(data, model) for data in results for model in TITLES]
    found += [
        more_varied_on_balanced(results, model, statistic)
        for model in TITLES
        for statistic in ("entropy", "coverage")
    ]
    found += [top_gains_depend_on_both(data) for data in results]
    findings = [finding for finding in found if isinstance(finding, Finding)]
    return findings, [reason for reason in found if isinstance(reason, str)]


def better(data: DatasetResults, model: str, other: str) -> Finding | str:
    """A model is better than another."""
    pair = f"{TITLES[model]} over {TITLES[other]}"
    if not (dims := data.dims(model, other)):
        return f"{pair} on {data.name}: takes both models in one embedding size"
    first, second = (100 * data.mean(name, dims, data.headline)[0] for name in (model, other))
    return _finding(
        f"{model}_over_{other}",
        f"The {TITLES[model]} model is better than the {TITLES[other]} one",
        [data],
        {m: data.mean(model, dims, m) - data.mean(other, dims, m) for m in _headline_first(data)},
        text=f"{TITLES[model]} {first:.1f}% against {TITLES[other]} {second:.1f}% in"
        f" {data.headline}, at d = {', '.join(map(str, dims))}",
    )


def gain_larger_on_balanced(results: Sequence[DatasetResults], *, relative: bool) -> Finding | str:
    """The multiplicative model gains more over the user-biased one on the balanced distribution.

    Args:
        results: of all datasets.
        relative: compare gains as shares of the user-biased model's metric.
    """
    kind = "relative " if relative else ""
    pair = _natural_and_balanced(results)
    if not all(data.dims(MULTIPLICATIVE, USER_BIASED) for data in pair) or not pair:
        return f"{kind}gain larger on balanced data: {_NEEDS_PAIR}"

    def gain(data: DatasetResults, metric: str) -> np.ndarray:
        dims = data.dims(MULTIPLICATIVE, USER_BIASED)
        high, low = (data.mean(model, dims, metric) for model in (MULTIPLICATIVE, USER_BIASED))
        with np.errstate(invalid="ignore", divide="ignore"):
            return (high - low) / low if relative else high - low

    natural, balanced = pair
    return _finding(
        f"{kind.strip() or 'absolute'}_gain_larger_on_balanced",
        "The multiplicative model gains more over the user-biased one on balanced than on natural"
        f" data{', relative to the user-biased one' if relative else ''}",
        pair,
        {m: gain(balanced, m) - gain(natural, m) for m in _headline_first(natural)},
        unit="ratio" if relative else "fraction",
        text=f"{kind}gain on balanced data less that on natural data",
    )


def larger_embedding_worse(data: DatasetResults, model: str) -> Finding | str:
    """A model is worse with its largest embedding than with its smallest, in the same ranks."""
    dims = data.dims(model)
    ranks = [
        {size.rank for size in data.models if (size.model, size.embedding_dim) == (model, dim)}
        for dim in (dims[:1] + dims[-1:])
    ]
    if len(dims) < 2 or not (shared := set.intersection(*ranks)):
        return (
            f"larger embeddings of the {TITLES[model]} model on {data.name}: takes two embedding"
            " sizes of the same rank"
        )

    def mean(dim: int, metric: str) -> np.ndarray:
        values = {size: m[metric] for size, m in data.models.items() if size.rank in shared}
        return over_sizes(values, model, [dim])

    return _finding(
        f"{model}_larger_d_worse",
        f"The {TITLES[model]} model is worse with the largest embedding than with the smallest",
        [data],
        {m: mean(dims[-1], m) - mean(dims[0], m) for m in _headline_first(data)},
        text=f"{TITLES[model]}, d = {dims[-1]} less d = {dims[0]}",
        sign=-1,
    )


def more_varied_on_balanced(
    results: Sequence[DatasetResults], model: str, statistic: str
) -> Finding | str:
    """A model's predictions are more varied on the balanced distribution.

    Args:
        results: of all datasets.
        model: in all the embedding sizes of both.
        statistic: `entropy` or `coverage`.
    """
    pair = _natural_and_balanced(results)
    if not pair or not (dims := sorted({*pair[0].dims(model)} & {*pair[1].dims(model)})):
        return f"{statistic} of the {TITLES[model]} model's predictions: {_NEEDS_PAIR}"
    metric = f"{statistic}@{pair[0].ks[-1]}"
    natural, balanced = (data.mean(model, dims, metric) for data in pair)
    is_bits = statistic == "entropy"
    levels = [
        f"{value[0]:.2f} bits" if is_bits else f"{100 * value[0]:.1f}% of the vocabulary"
        for value in (balanced, natural)
    ]
    return _finding(
        f"{model}_{statistic}_higher_on_balanced",
        f"The {TITLES[model]} model's predictions are more varied on balanced data ({statistic})",
        pair,
        {metric: balanced - natural},
        unit="bits" if is_bits else "fraction",
        text=f"{TITLES[model]}, {levels[0]} on balanced data against {levels[1]} on natural data",
    )


def top_gains_depend_on_both(
    data: DatasetResults, *, top: int = TOP_TAGS, min_posts: int = MIN_POSTS
) -> Finding | str:
    """The tags that the multiplicative model gains most in depend on user and image together.

    Their share among the `top` tags of the largest gains in recall over the bilinear model is
    compared with that among all tags on `min_posts` posts, by the exact test of drawing without
    replacement.
    """
    dims, kinds = data.dims(MULTIPLICATIVE, BILINEAR), data.hashtag_kinds or {}
    eligible = [
        tag
        for tag, num_posts in enumerate(data.tag_posts)
        if num_posts >= min_posts and data.tags[tag] in kinds
    ]
    if not dims or len(eligible) < 2 * top:
        return (
            f"hashtags of the largest gains on {data.name}: takes hashtag_kinds, both models in one"
            f" embedding size, and {2 * top} hashtags on at least {min_posts} posts"
        )
    better, worse = (over_sizes(data.tag_recalls, m, dims) for m in (MULTIPLICATIVE, BILINEAR))
    gains = better - worse
    best = sorted(eligible, key=lambda tag: (-gains[tag], tag))[:top]
    number, observed = (
        sum(kinds[data.tags[t]] == "both" for t in tags) for tags in (eligible, best)
    )
    chance, share = scipy.stats.hypergeom(len(eligible), number, top), number / len(eligible)
    # Two-sided, as those of the other findings.
    p = min(1.0, 2 * float(min(chance.sf(observed - 1), chance.cdf(observed))))
    low, high = scipy.stats.binomtest(observed, top).proportion_ci(method="wilson")
    first = ", ".join(f"#{data.tags[tag]}" for tag in best[:5])
    return Finding(
        name="top_gains_depend_on_both",
        claim="The hashtags that the multiplicative model gains most in over the bilinear one are"
        " those that depend on user and image together",
        datasets=(data.name,),
        metric=data.headline,
        unit="fraction",
        value=observed / top - share,
        low=low - share,
        high=high - share,
        p_value=p,
        verdict=NOT_SEEN if p >= 0.05 else SEEN if observed / top > share else CONTRARY,
        text=f"of the {top} hashtags of the largest gains ({first}, ...) {observed} depend on both"
        f" ({100 * observed / top:.0f}%), of all {len(eligible)} on {min_posts} posts or more"
        f" {number} ({100 * share:.0f}%): p {_describe_p(p)}, exact.",
    )


_NEEDS_PAIR = "takes one natural and one balanced dataset, with the models"


def _natural_and_balanced(results: Sequence[DatasetResults]) -> list[DatasetResults]:
    """The natural and the balanced dataset; empty if there is not one of each."""
    pair = [
        data for kind in ("natural", "balanced") for data in results if data.distribution == kind
    ]
    return pair if [data.distribution for data in pair] == ["natural", "balanced"] else []


def _headline_first(data: DatasetResults) -> list[str]:
    return sorted(data.shown_metrics, key=lambda metric: metric != data.headline)


def _finding(
    name: str,
    claim: str,
    datasets: Sequence[DatasetResults],
    differences: Mapping[str, np.ndarray],
    *,
    text: str,
    unit: str = "fraction",
    sign: int = 1,
) -> Finding:
    """A finding by differences that the claim gives a sign; the verdict goes by the first."""
    factor, units = {"bits": (1, "bits"), "fraction": (100, "points"), "ratio": (100, "%")}[unit]
    metrics: dict[str, dict[str, Any]] = {}
    words = []
    for metric, difference in differences.items():
        (low, high), value, p = interval(difference), float(difference[0]), p_value(difference)
        bounds = sorted((sign * low, sign * high))
        verdict = SEEN if bounds[0] > 0 else CONTRARY if bounds[1] < 0 else NOT_SEEN
        metrics[metric] = {
            "value": value,
            "low": low,
            "high": high,
            "p_value": p,
            "verdict": verdict,
        }
        numbers = f"{factor * value:+.2f} {units} [{factor * low:+.2f}, {factor * high:+.2f}]"
        words.append(f"{metric} {numbers}, p {_describe_p(p)}")
    first = next(iter(metrics))
    return Finding(
        name=name,
        claim=claim,
        datasets=tuple(data.name for data in datasets),
        metric=first,
        unit=unit,
        **metrics[first],
        text=f"{text}: {', '.join(words)}.",
        metrics=metrics,
    )


def _describe_p(value: float) -> str:
    return "< 0.001" if value < 0.001 else f"= {value:.2g}"


def write_findings(
    folder: Path,
    results: Sequence[DatasetResults],
    findings: Sequence[Finding],
    untested: Sequence[str],
) -> None:
    """Writes `findings.json`, and `findings.md`: a table of verdicts, then the numbers."""
    content = [dataclasses.asdict(finding) for finding in findings]
    files.write_text(folder / FINDINGS, json.dumps(content, indent=2, ensure_ascii=False) + "\n")
    seeds = len(results[0].seeds)
    intervals = "95% intervals over users and seeds"
    if seeds == 1:
        intervals = "95% intervals over users: how far seeds differ is not in them"
    lines = [
        "# The paper's findings on these data",
        "",
        f"{f'{seeds} seeds' if seeds > 1 else 'One seed'}; in brackets {intervals}. *Seen*:"
        " the interval lies on the claim's side of 0; *contrary*: on the other; *not seen*: 0 is"
        " inside; that of single hashtags goes by its exact p-value, below 0.05 or not."
        f" Of these {len(findings)} intervals, one in 20 misses 0 by chance where nothing"
        " is there.",
        "",
        "| claim | data | verdict |",
        "|---|---|---|",
        *(
            f"| {found.claim} | {', '.join(found.datasets)} | {found.verdict} |"
            for found in findings
        ),
        "",
        *(
            f"- {found.claim} ({', '.join(found.datasets)}): **{found.verdict}**."
            f" {found.text[0].upper()}{found.text[1:]}"
            for found in findings
        ),
    ]
    if untested:
        lines += ["", "Not tested:", "", *(f"- {claim}." for claim in untested)]
    files.write_text(folder / FINDINGS_TEXT, "\n".join(lines) + "\n")
