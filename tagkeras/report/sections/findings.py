"""The head of the page: what it is about, and what came out, in numbers and sentences."""

from collections import Counter
from typing import Any

from tagkeras.evaluate.comparison import Difference
from tagkeras.report.figures.looks import label_of
from tagkeras.report.formats import (
    interval,
    joined,
    p_value,
    percent,
    plural,
    points,
)
from tagkeras.report.headline import Headline, make_headline
from tagkeras.report.material import Material
from tagkeras.report.runs import RunGroup

# Above it, a difference may well be chance.
_SIGNIFICANT = 0.05
_VERDICTS = ("seen", "not seen", "contrary")


def build(material: Material) -> dict[str, Any]:
    """The numbers and sentences of the head."""
    several = len(material.groups) > 1
    findings = []
    for group in material.groups:
        headline = make_headline(group)
        findings.append(
            {
                "group": group.name if several else None,
                "numbers": numbers_of(headline),
                "sentences": sentences_of(group, headline),
            }
        )
    return {"what": _what(material), "findings": findings, "claims": _claims(material)}


def numbers_of(headline: Headline) -> list[tuple[str, str, str]]:
    """Large numbers: value, what it is, and how sure."""
    sure = f"95% interval {interval(headline.interval)}"
    numbers = [(percent(headline.value), f"{headline.metric} of {label_of(headline.best)}", sure)]
    if gain := headline.over_frequency:
        numbers.append(
            (points(gain.difference), "points over the most frequent hashtags", _sure(gain))
        )
    if (gain := headline.over_bilinear) and headline.sees_user and headline.bilinear:
        what = f"points of {label_of(headline.sees_user)} over {label_of(headline.bilinear)}"
        numbers.append((points(gain.difference), what, _sure(gain)))
    if headline.way is not None and headline.oracle is not None:
        what = "of the way from the most frequent hashtags to the oracle"
        numbers.append((f"{100 * headline.way:.0f}%", what, f"oracle {percent(headline.oracle)}"))
    return numbers


def sentences_of(group: RunGroup, headline: Headline) -> list[str]:
    """What came out for the posts of one dataset."""
    best, metric = label_of(headline.best), headline.metric
    sentences = [
        (f"Of {len(group.runs)} runs, {best} is ahead: " if len(group.runs) > 1 else f"{best}: ")
        + f"{_in_words(metric, percent(headline.value))} ({metric})."
    ]
    if gain := headline.over_frequency:
        sentences.append(
            f"The most frequent hashtags, the same for everyone, reach {percent(gain.first)};"
            f" the gain of {points(gain.difference).lstrip('+')} points is"
            f" {_verdict(gain)} ({p_value(gain.p_value)})."
        )
    if (gain := headline.over_bilinear) and headline.bilinear and headline.sees_user:
        bilinear, other = label_of(headline.bilinear), label_of(headline.sees_user)
        helped = "helps" if gain.difference > 0 else "does harm"
        if gain.p_value >= _SIGNIFICANT:
            helped = "is not seen to help"
        sentences.append(
            f"Knowing who posts {helped}: {other} against {bilinear}, which sees the photo alone,"
            f" is {points(gain.difference)} points of {metric}, {_verdict(gain)}"
            f" ({p_value(gain.p_value)})."
        )
    if headline.way is not None and headline.oracle is not None:
        sentences.append(
            "Whoever knew the probabilities that the posts were drawn from would reach"
            f" {percent(headline.oracle)}; hardly any model can expect more."
        )
    if gap := group.runs[headline.best].metrics["largest_gap"]:
        is_sure = gap["interval"][0] > 0
        begin = "Groups of people are not served alike" if is_sure else "Groups may be served alike"
        sentences.append(
            f"{begin}: {gap['attribute']} {gap['high']} is"
            f" {points(gap['gap']).lstrip('+')} points ahead of {gap['attribute']} {gap['low']}"
            f" (95% interval {interval(gap['interval'])}), the largest gap of {best}."
        )
    return sentences


def _what(material: Material) -> str:
    split, num_runs = material.settings.split, sum(len(group.runs) for group in material.groups)
    groups = [
        f"{plural(g.first.metrics['num_posts'], 'post')} by"
        f" {plural(g.first.metrics['num_users'], 'user')}"
        + (f" ({g.name})" if len(material.groups) > 1 else "")
        for g in material.groups
    ]
    seen = (
        "which the models were trained on"
        if split == "train"
        else "none of whom wrote a training post"
    )
    return (
        "tagkeras predicts the hashtags that a given person would put on a given photo. This page"
        f" shows how well {plural(num_runs, 'trained model')} {'does' if num_runs == 1 else 'do'}"
        f" it on the {split} split: {joined(groups)}, {seen}."
    )


def _in_words(metric: str, value: str) -> str:
    k = int(metric.partition("@")[2])
    among = "the first predicted" if k == 1 else f"the {k} predicted"
    return f"on average, {value} of a post's hashtags are among {among}"


def _sure(gain: Difference) -> str:
    return f"{points(gain.low)} to {points(gain.high)}, {p_value(gain.p_value)}"


def _verdict(gain: Difference) -> str:
    return "more than chance" if gain.p_value < _SIGNIFICANT else "no more than chance may make"


def _claims(material: Material) -> str | None:
    if material.experiment is None or not material.experiment.findings:
        return None
    verdicts = Counter(str(finding["verdict"]) for finding in material.experiment.findings)
    words = [f"{verdicts[verdict]} {verdict}" for verdict in _VERDICTS if verdicts[verdict]]
    number = plural(sum(verdicts.values()), "claim")
    return f"Of {number} of the paper that the experiment looks at: {joined(words)}."
