"""The claims of the paper, each tested by a number that is 0 if there is nothing in it.

Models are compared in the embedding sizes that both have: picking the best size by the test posts
would favour the larger grid. A claim that cannot be tested yields a text that says what it takes.
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
from tagkeras.experiment.resampling import Metrics, interval, p_value
from tagkeras.experiment.results import DatasetResults, over_sizes

BILINEAR, USER_BIASED, MULTIPLICATIVE = "bilinear", "user_biased", "multiplicative"
# As they are called in sentences.
TITLES = {BILINEAR: "bilinear", USER_BIASED: "user-biased", MULTIPLICATIVE: "multiplicative"}
SEEN, NOT_SEEN, CONTRARY = "seen", "not seen", "contrary"
_NEEDS_PAIR = "takes one natural and one balanced dataset, with the models"


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
    found: list[Finding | str] = []
    for data in results:
        found.append(better(data, USER_BIASED, BILINEAR))
        found.append(better(data, MULTIPLICATIVE, BILINEAR))
        found.append(better(data, MULTIPLICATIVE, USER_BIASED))
    found += [gain_larger_on_balanced(results, relative=relative) for relative in (False, True)]
    found += [larger_embedding_worse(data, model) for data in results for model in TITLES]
    for model in TITLES:
        found += [more_varied_on_balanced(results, model, s) for s in ("entropy", "coverage")]
    found += [top_gains_depend_on_both(data) for data in results]
    findings = [finding for finding in found if isinstance(finding, Finding)]
    return findings, [reason for reason in found if isinstance(reason, str)]


def better(data: DatasetResults, model: str, other: str) -> Finding | str:
    """A model is better than another."""
    if not (dims := data.dims(model, other)):
        pair = f"{TITLES[model]} over {TITLES[other]} on {data.name}"
        return f"{pair}: takes both models in one embedding size"
    first, second = data.mean(model, dims), data.mean(other, dims)
    levels = [f"{100 * metrics[data.headline][0]:.1f}%" for metrics in (first, second)]
    return _finding(
        f"{model}_over_{other}",
        f"The {TITLES[model]} model is better than the {TITLES[other]} one",
        [data],
        {metric: first[metric] - second[metric] for metric in data.headline_first},
        text=f"{TITLES[model]} {levels[0]} against {TITLES[other]} {levels[1]} in {data.headline},"
        f" at d = {', '.join(map(str, dims))}",
    )


def gain_larger_on_balanced(results: Sequence[DatasetResults], *, relative: bool) -> Finding | str:
    """The multiplicative model gains more over the user-biased one on the balanced distribution.

    Relative gains are shares of the user-biased model's metric.
    """
    kind, pair = "relative " if relative else "", _natural_and_balanced(results)
    if not pair or not all(data.dims(MULTIPLICATIVE, USER_BIASED) for data in pair):
        return f"{kind}gain larger on balanced data: {_NEEDS_PAIR}"

    def gains(data: DatasetResults) -> Metrics:
        dims = data.dims(MULTIPLICATIVE, USER_BIASED)
        high, low = data.mean(MULTIPLICATIVE, dims), data.mean(USER_BIASED, dims)
        with np.errstate(invalid="ignore", divide="ignore"):
            return {m: (high[m] - low[m]) / (low[m] if relative else 1) for m in high}

    natural, balanced = map(gains, pair)
    return _finding(
        f"{kind.strip() or 'absolute'}_gain_larger_on_balanced",
        "The multiplicative model gains more over the user-biased one on balanced than on natural"
        f" data{', relative to the user-biased one' if relative else ''}",
        pair,
        {metric: balanced[metric] - natural[metric] for metric in pair[0].headline_first},
        unit="ratio" if relative else "fraction",
        text=f"{kind}gain on balanced data less that on natural data",
    )


def larger_embedding_worse(data: DatasetResults, model: str) -> Finding | str:
    """A model is worse with its largest embedding than with its smallest, in the same ranks."""
    extremes = [*data.dims(model)[:1], *data.dims(model)[-1:]]
    sizes = [size for size in data.models if size.model == model]
    ranks = [{size.rank for size in sizes if size.embedding_dim == dim} for dim in extremes]
    if len(data.dims(model)) < 2 or not (shared := ranks[0] & ranks[1]):
        where = f"larger embeddings of the {TITLES[model]} model on {data.name}"
        return f"{where}: takes two embedding sizes of the same rank"
    small, large = (data.mean(model, [dim], shared) for dim in extremes)
    return _finding(
        f"{model}_larger_d_worse",
        f"The {TITLES[model]} model is worse with the largest embedding than with the smallest",
        [data],
        {metric: large[metric] - small[metric] for metric in data.headline_first},
        text=f"{TITLES[model]}, d = {extremes[1]} less d = {extremes[0]}",
        sign=-1,
    )


def more_varied_on_balanced(
    results: Sequence[DatasetResults], model: str, statistic: str
) -> Finding | str:
    """A model's predictions are more varied on balanced data, by their `entropy` or `coverage`."""
    pair = _natural_and_balanced(results)
    if not pair or not (dims := sorted({*pair[0].dims(model)} & {*pair[1].dims(model)})):
        return f"{statistic} of the {TITLES[model]} model's predictions: {_NEEDS_PAIR}"
    metric = f"{statistic}@{pair[0].ks[-1]}"
    natural, balanced = (data.mean(model, dims)[metric] for data in pair)
    factor, unit = (1, ".2f} bits") if statistic == "entropy" else (100, ".1f}% of the vocabulary")
    levels = [("{:" + unit).format(factor * value[0]) for value in (balanced, natural)]
    return _finding(
        f"{model}_{statistic}_higher_on_balanced",
        f"The {TITLES[model]} model's predictions are more varied on balanced data ({statistic})",
        pair,
        {metric: balanced - natural},
        unit="bits" if statistic == "entropy" else "fraction",
        text=f"{TITLES[model]}, {levels[0]} on balanced data against {levels[1]} on natural data",
    )


def top_gains_depend_on_both(
    data: DatasetResults, *, top: int = 20, min_posts: int = 20
) -> Finding | str:
    """The tags that the multiplicative model gains most in depend on user and image together.

    Their share among the `top` tags of the largest gains in recall over the bilinear model (the
    paper shows 20) is compared with that among all tags on `min_posts` posts (the recall of rarer
    ones is chance), by the exact test of drawing without replacement.
    """
    dims, kinds, tags = data.dims(MULTIPLICATIVE, BILINEAR), data.hashtag_kinds or {}, data.tags
    eligible = [
        tag for tag, posts in enumerate(data.tag_posts) if posts >= min_posts and tags[tag] in kinds
    ]
    if not dims or len(eligible) < 2 * top:
        return (
            f"hashtags of the largest gains on {data.name}: takes hashtag_kinds, both models in one"
            f" embedding size, and {2 * top} hashtags on at least {min_posts} posts"
        )
    recalls = [over_sizes(data.tag_recalls, model, dims) for model in (MULTIPLICATIVE, BILINEAR)]
    gains = recalls[0] - recalls[1]
    best = sorted(eligible, key=lambda tag: (-gains[tag], tag))[:top]
    of_all, observed = (
        sum(kinds[tags[tag]] == "both" for tag in some) for some in (eligible, best)
    )
    chance, share = scipy.stats.hypergeom(len(eligible), of_all, top), of_all / len(eligible)
    # Two-sided, as those of the other findings.
    p = min(1.0, 2 * float(min(chance.sf(observed - 1), chance.cdf(observed))))
    low, high = scipy.stats.binomtest(observed, top).proportion_ci(method="wilson")
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
        text=f"of the {top} hashtags of the largest gains"
        f" ({', '.join(f'#{tags[tag]}' for tag in best[:5])}, ...) {observed} depend on both"
        f" ({100 * observed / top:.0f}%), of all {len(eligible)} on {min_posts} posts or more"
        f" {of_all} ({100 * share:.0f}%): p {_describe_p(p)}, exact.",
    )


def _natural_and_balanced(results: Sequence[DatasetResults]) -> list[DatasetResults]:
    """The natural and the balanced dataset; empty if there is not one of each."""
    pair = sorted(results, key=lambda data: data.distribution, reverse=True)
    return pair if [data.distribution for data in pair] == ["natural", "balanced"] else []


def _finding(
    name: str,
    claim: str,
    datasets: Sequence[DatasetResults],
    differences: Metrics,
    *,
    text: str,
    unit: str = "fraction",
    sign: int = 1,
) -> Finding:
    """A finding by differences that have `sign` if the claim holds; the verdict is the first's."""
    factor, units = {"bits": (1, "bits"), "fraction": (100, "points"), "ratio": (100, "%")}[unit]
    metrics: dict[str, dict[str, Any]] = {}
    words = []
    for metric, difference in differences.items():
        value, (low, high), p = float(difference[0]), interval(difference), p_value(difference)
        worst, best = sorted((sign * low, sign * high))
        verdict = SEEN if worst > 0 else CONTRARY if best < 0 else NOT_SEEN
        numbers = {"value": value, "low": low, "high": high}
        metrics[metric] = {**numbers, "p_value": p, "verdict": verdict}
        value, low, high = factor * value, factor * low, factor * high
        words.append(f"{metric} {value:+.2f} {units} [{low:+.2f}, {high:+.2f}], p {_describe_p(p)}")
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
    seeds, over = f"{len(results[0].seeds)} seeds", " and seeds"
    if len(results[0].seeds) == 1:
        seeds, over = "One seed", ": how far seeds differ is not in them"
    rows, details = [], []
    for finding in findings:
        datasets = ", ".join(finding.datasets)
        rows.append(f"| {finding.claim} | {datasets} | {finding.verdict} |")
        text = f"{finding.text[0].upper()}{finding.text[1:]}"
        details.append(f"- {finding.claim} ({datasets}): **{finding.verdict}**. {text}")
    lines = [
        "# The paper's findings on these data",
        "",
        f"{seeds}; in brackets 95% intervals over users{over}. *Seen*: the interval lies on the"
        " claim's side of 0; *contrary*: on the other; *not seen*: 0 is inside; that of single"
        f" hashtags goes by its exact p-value, below 0.05 or not. Of these {len(findings)}"
        " intervals, one in 20 misses 0 by chance where nothing is there.",
        "",
        *("| claim | data | verdict |", "|---|---|---|", *rows, "", *details),
    ]
    if untested:
        lines += ["", "Not tested:", "", *(f"- {claim}." for claim in untested)]
    files.write_text(folder / FINDINGS_TEXT, "\n".join(lines) + "\n")
