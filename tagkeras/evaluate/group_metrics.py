"""Every metric for each group of people, and the largest gap between two groups."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from tagkeras.evaluate.bootstrap import draw_weights, percentiles, sum_by_user
from tagkeras.evaluate.groups import UNKNOWN, Grouping

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
    values = np.stack([scores[name] for name in names], axis=1)
    num_users = int(users.max()) + 1
    members = [_Members.of(grouping.group == g, users, values) for g in range(len(grouping.names))]
    # All groups in the same resamples, so that gaps between them are of one resample.
    chunks: list[list[np.ndarray]] = [[] for _ in members]
    for weights in draw_weights(num_users, samples, seed):
        for group, found in zip(members, chunks, strict=True):
            of_group = weights[:, group.users]
            with np.errstate(invalid="ignore"):
                found.append((of_group @ group.sums) / (of_group @ group.counts))
    resampled = [np.concatenate(found) for found in chunks]
    rows = []
    for name, group, means in zip(grouping.names, members, resampled, strict=True):
        averages = group.sums.sum(axis=0) / group.counts.sum()
        rows.append(
            {
                "group": name,
                "posts": int(group.counts.sum()),
                "users": len(group.users),
                **dict(zip(names, averages.tolist(), strict=True)),
                "intervals": dict(zip(names, percentiles(means).tolist(), strict=True)),
            }
        )
    column = names.index(gap_metric)
    gap_means = np.stack([means[:, column] for means in resampled], axis=1)
    return rows, _largest_gap(rows, gap_means, grouping.attribute, gap_metric)


class _Members(NamedTuple):
    """The users of a group: their numbers [U], sums of scores [U, M] and posts [U, 1] in it."""

    users: np.ndarray
    sums: np.ndarray
    counts: np.ndarray

    @classmethod
    def of(cls, is_member: np.ndarray, users: np.ndarray, values: np.ndarray) -> "_Members":
        present, owners = np.unique(users[is_member], return_inverse=True)
        sums = sum_by_user(owners, values[is_member], len(present))
        return cls(present, sums, np.bincount(owners).astype(np.float64)[:, None])


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
