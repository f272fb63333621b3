"""The claims of the paper, each tested by a number that is 0 if there is nothing in it.

Models are compared in the embedding sizes that both have: picking the best size by the test posts
would favour the larger grid. A claim that cannot be tested yields a text that says what it takes.
The sentences are in `claims.yaml`.
"""

import json
from collections.abc import Mapping, Sequence
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
import scipy.stats
import yaml

from tagkeras.cli import files
from tagkeras.experiment.results import DatasetResults, interval, over_sizes, p_value

FINDINGS, FINDINGS_TEXT = "findings.json", "findings.md"
BILINEAR, USER_BIASED, MULTIPLICATIVE = "bilinear", "user_biased", "multiplicative"
# As they are called in sentences.
TITLES = {BILINEAR: "bilinear", USER_BIASED: "user-biased", MULTIPLICATIVE: "multiplicative"}
SEEN, NOT_SEEN, CONTRARY = "seen", "not seen", "contrary"
_SENTENCES = yaml.safe_load(
    resources.files(__package__).joinpath("claims.yaml").read_text(encoding="utf-8")
)


# An entry of findings.json: `name`, `claim`, `datasets` it was tested on, `metric` that the verdict
# goes by, `unit` (`fraction`, `ratio` of fractions, or `bits`), `value` and its 95% interval `low`,
# `high`, `p_value` of the hypothesis that it is 0, `verdict`, `text` with the numbers in words, and
# `metrics`: value, low, high, p_value and verdict by each metric that was looked at. The verdict is
# `seen` (the interval lies on the claim's side of 0), `contrary` (on the other) or `not seen`.
Finding = Mapping[str, Any]


def find_all(results: Sequence[DatasetResults]) -> tuple[list[Finding], list[str]]:
    """The findings, and the claims that could not be tested, each with what it takes."""
    pairs = [(USER_BIASED, BILINEAR), (MULTIPLICATIVE, BILINEAR), (MULTIPLICATIVE, USER_BIASED)]
    found = [
        *(better(data, *pair) for data in results for pair in pairs),
        *(gain_larger_on_balanced(results, kind) for kind in ("absolute", "relative")),
        *(larger_embedding_worse(data, model) for data in results for model in TITLES),
        *(
            more_varied_on_balanced(results, model, statistic)
            for model in TITLES
            for statistic in ("entropy", "coverage")
        ),
        *(top_gains_depend_on_both(data) for data in results),
    ]
    findings = [finding for finding in found if not isinstance(finding, str)]
    return findings, [reason for reason in found if isinstance(reason, str)]


def better(data: DatasetResults, model: str, other: str) -> Finding | str:
    """A model is better than another."""
    names = {"model": model, "title": TITLES[model], "other": other, "other_title": TITLES[other]}
    if not (dims := data.dims(model, other)):
        return _say("better", "takes", data=data.name, **names)
    mean, other_mean = data.mean(model, dims), data.mean(other, dims)
    levels = {"level": mean[0, 0], "other_level": other_mean[0, 0]}
    words = {**names, **levels, "metric": data.shown_metrics[0], "dims": ", ".join(map(str, dims))}
    return _finding("better", [data], mean - other_mean, words)


def gain_larger_on_balanced(results: Sequence[DatasetResults], kind: str) -> Finding | str:
    """The multiplicative model gains more over the user-biased one on the balanced distribution.

    `relative` gains are shares of the user-biased model's metric, `absolute` ones are not.
    """
    pair = _natural_and_balanced(results)
    if not pair or not all(data.dims(MULTIPLICATIVE, USER_BIASED) for data in pair):
        return _say(f"{kind}_gain", "takes")

    def gain(data: DatasetResults) -> np.ndarray:
        dims = data.dims(MULTIPLICATIVE, USER_BIASED)
        high, low = data.mean(MULTIPLICATIVE, dims), data.mean(USER_BIASED, dims)
        with np.errstate(invalid="ignore", divide="ignore"):
            return (high - low) / (low if kind == "relative" else 1)

    return _finding(f"{kind}_gain", pair, gain(pair[1]) - gain(pair[0]), {})


def larger_embedding_worse(data: DatasetResults, model: str) -> Finding | str:
    """A model is worse with its largest embedding than with its smallest, in the same ranks."""
    names, dims = {"model": model, "title": TITLES[model]}, data.dims(model)
    ranks = [{size.rank for size in data.models if size[:2] == (model, dim)} for dim in dims]
    if len(dims) < 2 or not (shared := ranks[0] & ranks[-1]):
        return _say("larger_embedding", "takes", data=data.name, **names)
    large, small = (data.mean(model, [dim], ranks=shared) for dim in (dims[-1], dims[0]))
    words = {**names, "large": dims[-1], "small": dims[0]}
    return _finding("larger_embedding", [data], large - small, words)


def more_varied_on_balanced(
    results: Sequence[DatasetResults], model: str, statistic: str
) -> Finding | str:
    """A model's predictions are more varied on balanced data, by their `entropy` or `coverage`."""
    names, pair = {"model": model, "title": TITLES[model]}, _natural_and_balanced(results)
    if not pair or not (dims := sorted({*pair[0].dims(model)} & {*pair[1].dims(model)})):
        return _say(statistic, "takes", **names)
    metrics = [f"{statistic}@{pair[0].ks[-1]}"]
    natural, balanced = (data.mean(model, dims, metrics=metrics) for data in pair)
    words = {**names, "natural": natural[0, 0], "balanced": balanced[0, 0]}
    return _finding(statistic, pair, balanced - natural, words, metrics)


def top_gains_depend_on_both(
    data: DatasetResults, *, top: int = 20, min_posts: int = 20
) -> Finding | str:
    """The tags that the multiplicative model gains most in depend on user and image together.

    Their share among the `top` tags of the largest gains in recall over the bilinear model (the
    paper shows 20) is compared with that among all tags on `min_posts` posts (the recall of rarer
    ones is chance), by the exact test of drawing without replacement.
    """
    dims, kinds, tags = data.dims(MULTIPLICATIVE, BILINEAR), data.hashtag_kinds or {}, data.tags
    frequent = np.flatnonzero(data.tag_posts >= min_posts).tolist()
    eligible = [tag for tag in frequent if tags[tag] in kinds]
    words: dict[str, object] = {"data": data.name, "top": top, "min_posts": min_posts}
    if not dims or len(eligible) < 2 * top:
        return _say("top_gains", "takes", **words, needed=2 * top)
    recalls = [over_sizes(data.tag_recalls, model, dims) for model in (MULTIPLICATIVE, BILINEAR)]
    gains = recalls[0] - recalls[1]
    best = sorted(eligible, key=lambda tag: (-gains[tag], tag))[:top]
    of_all, observed = (sum(kinds[tags[t]] == "both" for t in some) for some in (eligible, best))
    chance, share = scipy.stats.hypergeom(len(eligible), of_all, top), of_all / len(eligible)
    # Two-sided, as those of the other findings.
    p = min(1.0, 2 * float(min(chance.sf(observed - 1), chance.cdf(observed))))
    low, high = scipy.stats.binomtest(observed, top).proportion_ci(method="wilson")
    words |= {"examples": ", ".join(f"#{tags[tag]}" for tag in best[:5]), "p": _describe_p(p)}
    words |= {"observed": observed, "observed_share": observed / top}
    words |= {"eligible": len(eligible), "of_all": of_all, "share": share}
    verdict = NOT_SEEN if p >= 0.05 else SEEN if observed / top > share else CONTRARY
    numbers = {"value": observed / top - share, "low": low - share, "high": high - share}
    numbers |= {"metric": data.shown_metrics[0], "p_value": p, "verdict": verdict}
    return _entry("top_gains", [data], words, **numbers, metrics={})


def _natural_and_balanced(results: Sequence[DatasetResults]) -> list[DatasetResults]:
    """The natural and the balanced dataset; empty if there is not one of each."""
    pair = sorted(results, key=lambda data: data.distribution, reverse=True)
    return pair if [data.distribution for data in pair] == ["natural", "balanced"] else []


def _say(claim: str, sentence: str, **words: object) -> str:
    """A sentence of a claim: its `name`, `claim`, `text`, or what it `takes`."""
    return _SENTENCES[claim][sentence].format(**words)


def _finding(
    claim: str,
    datasets: Sequence[DatasetResults],
    differences: np.ndarray,
    words: Mapping[str, object],
    metrics: Sequence[str] = (),
) -> Finding:
    """A finding by differences: statistics of `metrics`, by default of those shown in tables.

    The verdict is that of the first.
    """
    unit, sign = _SENTENCES[claim]["unit"], _SENTENCES[claim].get("sign", 1)
    factor, units = {"bits": (1, "bits"), "fraction": (100, "points"), "ratio": (100, "%")}[unit]
    found: dict[str, dict[str, Any]] = {}
    texts = []
    for metric, difference in zip(metrics or datasets[0].shown_metrics, differences, strict=True):
        value, (low, high), p = float(difference[0]), interval(difference), p_value(difference)
        worst, best = sorted((sign * low, sign * high))
        verdict = SEEN if worst > 0 else CONTRARY if best < 0 else NOT_SEEN
        numbers = {"value": value, "low": low, "high": high}
        found[metric] = {**numbers, "p_value": p, "verdict": verdict}
        value, low, high = factor * value, factor * low, factor * high
        texts.append(f"{metric} {value:+.2f} {units} [{low:+.2f}, {high:+.2f}], p {_describe_p(p)}")
    first = next(iter(found))
    entry = _entry(claim, datasets, words, metric=first, **found[first], metrics=found)
    return {**entry, "text": f"{entry['text']}: {', '.join(texts)}."}


def _entry(
    claim: str, datasets: Sequence[DatasetResults], words: Mapping[str, object], **values: Any
) -> Finding:
    """A finding with the sentences of its claim; `values` are its other fields."""
    names, unit = [data.name for data in datasets], _SENTENCES[claim]["unit"]
    sentences = {part: _say(claim, part, **words) for part in ("name", "claim", "text")}
    return {**sentences, "datasets": names, "unit": unit, **values}


def _describe_p(value: float) -> str:
    return "< 0.001" if value < 0.001 else f"= {value:.2g}"


def write_findings(
    folder: Path,
    results: Sequence[DatasetResults],
    findings: Sequence[Finding],
    untested: Sequence[str],
) -> None:
    """Writes `findings.json`, and `findings.md`: a table of verdicts, then the numbers."""
    files.write_text(folder / FINDINGS, json.dumps(findings, indent=2, ensure_ascii=False) + "\n")
    seeds, over = f"{len(results[0].seeds)} seeds", " and seeds"
    if len(results[0].seeds) == 1:
        seeds, over = "One seed", ": how far seeds differ is not in them"
    intervals = _SENTENCES["intervals"].format(seeds=seeds, over=over, number=len(findings))
    lines = ["# The paper's findings on these data", "", intervals, ""]
    lines += ["| claim | data | verdict |", "|---|---|---|"]
    details = [""]
    for finding in findings:
        claim, datasets = finding["claim"], ", ".join(finding["datasets"])
        verdict, text = finding["verdict"], finding["text"]
        lines.append(f"| {claim} | {datasets} | {verdict} |")
        details.append(f"- {claim} ({datasets}): **{verdict}**. {text[0].upper()}{text[1:]}")
    lines += details
    if untested:
        lines += ["", "Not tested:", "", *(f"- {claim}." for claim in untested)]
    files.write_text(folder / FINDINGS_TEXT, "\n".join(lines) + "\n")
