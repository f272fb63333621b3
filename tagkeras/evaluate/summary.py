"""The numbers of `metrics.json`: averages over posts, their intervals, and those of groups."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np

from tagkeras.cli.progress import progress
from tagkeras.evaluate.bootstrap import LEVEL, bootstrap_means, percentiles, variety_intervals
from tagkeras.evaluate.evaluation import MODEL, EvaluatedPosts
from tagkeras.evaluate.groups import group_metrics, make_groupings
from tagkeras.metrics import coverage, entropy


def summarize(
    posts: EvaluatedPosts,
    predictions: Mapping[str, np.ndarray],
    *,
    ks: Sequence[int],
    num_tags: int,
    age_bounds: Sequence[float],
    masked_facts: Collection[str] = (),
    samples: int,
    seed: int = 0,
) -> dict[str, Any]:
    """All metrics of all rankings, with intervals, and those of the model for each group.

    The predictions of each ranking are int [N, k], tag ids, best first, -1 where there is none;
    `samples` and `seed` are of the bootstrap. Gives the model's metrics by name, a dict of metrics
    for each baseline, `intervals`, `bootstrap`, `groups`, `gaps` and `largest_gap`.
    """
    most = max(ks)
    results: dict[str, dict[str, float]] = {}
    intervals: dict[str, dict[str, list[float]]] = {}
    with progress("bootstrap over users", len(posts.hits), "rankings") as advance:
        for name in posts.hits:
            scores = posts.scores(name, ks)
            columns = np.stack(list(scores.values()), axis=1)
            bounds = percentiles(bootstrap_means(posts.users, columns, samples, seed))
            results[name] = dict(zip(scores, columns.mean(axis=0).tolist(), strict=True))
            intervals[name] = dict(zip(scores, bounds.tolist(), strict=True))
            ids = predictions[name]
            predicted = np.bincount(ids[ids >= 0], minlength=num_tags)
            variety = {f"coverage@{most}": float(coverage(predicted))}
            variety[f"entropy@{most}"] = float(entropy(predicted))
            bounds = variety_intervals(posts.users, ids, num_tags, seed=seed)
            results[name] |= variety
            intervals[name] |= dict(zip(variety, bounds.tolist(), strict=True))
            advance(1)
    scores = posts.scores(MODEL, ks)
    groups, gaps = {}, []
    for grouping in make_groupings(posts, age_bounds, masked_facts):
        groups[grouping.attribute], gap = group_metrics(
            grouping, posts.users, scores, gap_metric=f"R@{most}", samples=samples, seed=seed
        )
        gaps += [gap] if gap else []
    return {
        **results.pop(MODEL),
        **results,
        "intervals": intervals,
        "bootstrap": {"samples": samples, "level": LEVEL, "seed": seed},
        "groups": groups,
        "gaps": gaps,
        "largest_gap": max(gaps, key=lambda gap: gap["gap"], default=None),
    }
