"""Groups of people by age and by each category: their metrics, and the gaps between them."""

import dataclasses
import itertools
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np

from tagkeras.cli.errors import UserError
from tagkeras.evaluate.bootstrap import percentiles, resampled_ratios, sum_by_user
from tagkeras.evaluate.config import AGE_BOUNDS
from tagkeras.evaluate.evaluation import EvaluatedPosts

UNKNOWN = "unknown"
# Groups of fewer users are listed, but no gap is named for them: it would be chance.
MIN_USERS = 30
# Values of a category of the dataset's own that are groups by themselves.
MOST_VALUES = 15


@dataclasses.dataclass(frozen=True, eq=False)
class Grouping:
    """A partition of N posts by `age`, `gender`, `country` or a category of the dataset's own.

    `group` is int64 [N], of each post, an index into the `names` of the groups.
    """

    attribute: str
    names: tuple[str, ...]
    group: np.ndarray


def make_groupings(
    posts: EvaluatedPosts,
    age_bounds: Sequence[float] = AGE_BOUNDS,
    masked_facts: Collection[str] = (),
) -> list[Grouping]:
    """The posts by age group, gender, country and each category; unknown is a group of its own.

    Facts that are masked, or the same for all posts, tell no groups apart and are left out. Rare
    values of a category of the dataset's own are one group.
    """
    groupings = [_by_age(posts.facts["age"], age_bounds)]
    for name, words in posts.facts.items():
        if words.dtype == object:
            is_usual = name in ("gender", "country")
            groupings.append(_by_word(name, words if is_usual else _join_rare(words)))
    return [g for g in groupings if len(g.names) > 1 and g.attribute not in masked_facts]


def parse_age_bounds(words: Sequence[str]) -> tuple[float, ...]:
    """The numbers of `--age_groups`.

    Raises:
        UserError: they are no rising ages.
    """
    try:
        bounds = tuple(float(word) for word in words)
    except ValueError:
        bounds = ()
    rising = all(low < high for low, high in zip((0.0, *bounds), (*bounds, 200.0), strict=True))
    if not bounds or not rising:
        raise UserError(f"--age_groups={','.join(words)}: give rising ages in years, as 18,25,35")
    return bounds


def age_group_names(bounds: Sequence[float]) -> tuple[str, ...]:
    """`under 18`, `18 to 24`, ..., `65 and over` for bounds in years."""
    between = [_between(low, high) for low, high in itertools.pairwise(bounds)]
    return (f"under {bounds[0]:g}", *between, f"{bounds[-1]:g} and over")


def number_age_groups(age: np.ndarray, bounds: Sequence[float]) -> np.ndarray:
    """The place of each age in years among `age_group_names`; that behind the last for NaN."""
    places = np.searchsorted(np.array(bounds, np.float32), age, side="right")
    return np.where(np.isnan(age), len(bounds) + 1, places)


def name_age_groups(age: np.ndarray, bounds: Sequence[float] = AGE_BOUNDS) -> list[str]:
    """The group of each age in years, one of `age_group_names`; empty for NaN."""
    names = (*age_group_names(bounds), "")
    return [names[place] for place in number_age_groups(age, bounds)]


def _between(low: float, high: float) -> str:
    last = f"to {high - 1:g}" if float(high).is_integer() else f"to under {high:g}"
    return f"{low:g} {last}" if high - 1 > low or not float(high).is_integer() else f"{low:g}"


def _by_age(age: np.ndarray, bounds: Sequence[float]) -> Grouping:
    names = (*age_group_names(bounds), UNKNOWN)
    present, group = np.unique(number_age_groups(age, bounds), return_inverse=True)
    return Grouping("age", tuple(names[place] for place in present), group)


def _by_word(attribute: str, words: np.ndarray) -> Grouping:
    # The most common first, unknown last.
    found, group, counts = np.unique(words, return_inverse=True, return_counts=True)
    order = sorted(range(len(found)), key=lambda i: (found[i] == "", -counts[i], found[i]))
    place = np.argsort(order)
    return Grouping(attribute, tuple(str(found[i]) or UNKNOWN for i in order), place[group])


def _join_rare(words: np.ndarray) -> np.ndarray:
    """Words, `str` [N], all but the most common ones made `others`; an empty one stays."""
    counts = Counter(words[words != ""].tolist())
    if len(counts) <= MOST_VALUES + 1:
        return words
    common = sorted(counts, key=lambda word: (-counts[word], word))[:MOST_VALUES]
    return np.where(np.isin(words, ["", *common]), words, "others")


def group_metrics(
    grouping: Grouping,
    users: np.ndarray,
    scores: Mapping[str, np.ndarray],
    *,
    gap_metric: str,
    samples: int,
    seed: int,
) -> tuple[list[dict[str, Any]], dict[str, Any] | None]:
    """The metrics of each group, with intervals by bootstrap over users, and the largest gap.

    Users are int [N], from 0; scores are float [N] by name of the metric. A group is a dict of
    `group`, `posts`, `users`, the metrics and their `intervals`; the gap one of `attribute`,
    `metric`, `low`, `high` (names of groups), `gap` and `interval`. It is between the two groups,
    of at least `MIN_USERS` users who say what they are, that differ most in `gap_metric`; None
    where there are no two.
    """
    names = list(scores)
    values = np.stack([scores[name] for name in names], axis=1)
    members = []  # of each group: its users, the sums of their scores in it, and their posts in it
    for group in range(len(grouping.names)):
        is_member = grouping.group == group
        present, owners = np.unique(users[is_member], return_inverse=True)
        sums = sum_by_user(owners, values[is_member], len(present))
        members.append((present, sums, np.bincount(owners).astype(np.float64)[:, None]))
    # All groups in the same resamples, so that gaps between them are of one resample.
    resampled = resampled_ratios(members, int(users.max()) + 1, samples, seed)
    rows = []
    for name, (present, sums, counts), means in zip(
        grouping.names, members, resampled, strict=True
    ):
        averages = sums.sum(axis=0) / counts.sum()
        rows.append(
            {
                "group": name,
                "posts": int(counts.sum()),
                "users": len(present),
                **dict(zip(names, averages.tolist(), strict=True)),
                "intervals": dict(zip(names, percentiles(means).tolist(), strict=True)),
            }
        )
    column = names.index(gap_metric)
    gap_means = np.stack([means[:, column] for means in resampled], axis=1)
    return rows, _largest_gap(rows, gap_means, grouping.attribute, gap_metric)


def _largest_gap(
    rows: Sequence[Mapping[str, Any]], resampled: np.ndarray, attribute: str, metric: str
) -> dict[str, Any] | None:
    large = [place for place, row in enumerate(rows) if row["users"] >= MIN_USERS]
    known = [place for place in large if rows[place]["group"] != UNKNOWN]
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
