"""Every metric for each group of people, and the largest gap between two groups."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from tagkeras.evaluation.bootstrap import bootstrap_ratios, percentiles
from tagkeras.evaluation.groups import UNKNOWN, Grouping

# Groups of fewer users are listed, but no gap is named for them: it would be their chance.
MIN_USERS = 30


def group_metrics(
    grouping: Grouping,
    users: np.ndarray,
    scores: Mapping[str, np.ndarray],
    *,
    gap_metric: str,
    samples: int,
    seed: int,
) -> tuple[list[dict[str, Any]], dict[str, Any] | None]:
    """The metrics of each group, with intervals.

    Args:
        grouping: of the posts.
        users: int [N], the user of each post, from 0.
        scores: float [N] by name of the metric.
        gap_metric: whose largest gap is named.
        samples: of the bootstrap.
        seed: of its draws.

    Returns:
        For each group a dict of `group`, `posts`, `users`, the metrics and their `intervals`; and
        of the two groups (of at least `MIN_USERS` users who say what they are) that differ most in
        `gap_metric` a dict of `attribute`, `metric`, `low`, `high` (their names), `gap` and
        `interval`, or None where there are no two.
    """
    names = list(scores)
    num_users, num_groups = int(users.max()) + 1, len(grouping.names)
    # All groups in the same resamples: a column for each group and metric, of sums by user.
    cells = users * num_groups + grouping.group
    counts = np.bincount(cells, minlength=num_users * num_groups).astype(np.float64)
    sums = np.stack(
        [np.bincount(cells, scores[name], num_users * num_groups) for name in names], axis=1
    )
    sums = sums.reshape(num_users, num_groups * len(names))
    counts = counts.reshape(num_users, num_groups)
    means = sums.sum(axis=0).reshape(num_groups, -1) / counts.sum(axis=0)[:, None]
    resampled = bootstrap_ratios(sums, counts, samples, seed)
    bounds = percentiles(resampled).reshape(num_groups, len(names), 2)
    rows = []
    for group, name in enumerate(grouping.names):
        members = grouping.group == group
        rows.append(
            {
                "group": name,
                "posts": int(members.sum()),
                "users": len(np.unique(users[members])),
                **dict(zip(names, means[group].tolist(), strict=True)),
                "intervals": dict(zip(names, bounds[group].tolist(), strict=True)),
            }
        )
    resampled = resampled.reshape(samples, num_groups, len(names))[:, :, names.index(gap_metric)]
    return rows, _largest_gap(rows, resampled, grouping.attribute, gap_metric)


def _largest_gap(
    rows: Sequence[Mapping[str, Any]], resampled: np.ndarray, attribute: str, metric: str
) -> dict[str, Any] | None:
    known = [
        place
        for place, row in enumerate(rows)
        if row["group"] != UNKNOWN and row["users"] >= MIN_USERS
    ]
    if len(known) < 2:
        return None
    low = min(known, key=lambda place: rows[place][metric])
    high = max(known, key=lambda place: rows[place][metric])
    gaps = resampled[:, [high]] - resampled[:, [low]]
    return {
        "attribute": attribute,
        "metric": metric,
        "low": rows[low]["group"],
        "high": rows[high]["group"],
        "gap": rows[high][metric] - rows[low][metric],
        "interval": percentiles(gaps)[0].tolist(),
    }
