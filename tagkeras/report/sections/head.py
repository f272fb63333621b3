"""The head of the page: the results in a few numbers and sentences."""

from collections import Counter
from typing import Any

from tagkeras.evaluate.comparison import compare, differences
from tagkeras.evaluate.evaluation import MODEL
from tagkeras.report.inputs import Inputs
from tagkeras.report.runs import BILINEAR, RunGroup

_FREQUENCY, _ORACLE = "frequency_baseline", "oracle"


def build(inputs: Inputs) -> dict[str, Any]:
    """What the template of the head takes: results by group, and verdicts on the paper's claims."""
    findings = inputs.experiment.findings if inputs.experiment else ()
    return {
        "split": inputs.config.split,
        "results": [headline(group) for group in inputs.groups],
        "verdicts": Counter(str(finding["verdict"]) for finding in findings),
    }


def headline(group: RunGroup) -> dict[str, Any]:
    """The best run of a group in recall at the largest k, and what to compare it with.

    `metric`, `k`, `best` (its name), `estimate`, `gap` (between groups of people, or None), and,
    where there is something to compare with, `over_frequency`, its gain over the most frequent
    hashtags; `bilinear`, `user_run` and `over_bilinear`, the gain of the best run that sees the
    user; `oracle` and `share_of_oracle`, how much of the oracle's gain over the most frequent
    hashtags the best run has.
    """
    metric, best = group.headline, group.runs[group.best]
    found: dict[str, Any] = {
        "group": group,
        "metric": metric,
        "k": group.ks[-1],
        "best": group.best,
        "estimate": best.estimate(metric),
        "gap": best.metrics["largest_gap"],
    }
    rankings = group.with_baselines.metrics
    if _FREQUENCY in rankings:
        ranked, posts = group.with_baselines.evaluation.posts, best.evaluation.posts
        scores = ranked.scores(_FREQUENCY, group.ks), posts.scores(MODEL, group.ks)
        found["over_frequency"] = differences(posts.users, *scores)[metric]
    # Balancing removes hashtags at random: the oracle of all hashtags is no ceiling then.
    if _FREQUENCY in rankings and _ORACLE in rankings and group.is_natural:
        floor, oracle = (rankings[name][metric] for name in (_FREQUENCY, _ORACLE))
        if oracle > floor:
            share = (best.metrics[metric] - floor) / (oracle - floor)
            found |= {"oracle": oracle, "share_of_oracle": share}
    others = [name for name, run in group.runs.items() if run.model != BILINEAR]
    if (bilinear := group.of_model(BILINEAR)) and others:
        user_run = max(others, key=lambda name: group.runs[name].metrics[metric])
        before, after = (group.runs[name].evaluation for name in (bilinear, user_run))
        gain = compare(before, after)[metric]
        found |= {"bilinear": bilinear, "user_run": user_run, "over_bilinear": gain}
    return found
