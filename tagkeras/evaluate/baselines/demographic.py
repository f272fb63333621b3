"""The most frequent tags among people alike: by country, gender and age group."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from tagkeras.evaluate.baselines.baseline import Baseline
from tagkeras.evaluate.baselines.best_tags import best_tags
from tagkeras.evaluate.baselines.pair_counts import PairCounts

# Posts of everyone that count beside those of a group: a small group's counts are mostly chance.
PRIOR_POSTS = 100


class DemographicBaseline(Baseline):
    """The most frequent tags of training users of the same country, gender and age group.

    A tag's share among the posts of the group is smoothed by its share among all posts, which
    counts as `PRIOR_POSTS` posts more:

        (posts of the group with y + PRIOR_POSTS * posts with y / posts) / (posts of the group +
        PRIOR_POSTS)

    Who does not say one of the three belongs with those who do not say it either. A group without
    training posts gets the most frequent tags of everyone.

    Args:
        num_tags: Y.
        k: how many tags for each post.
        age_bounds: years at which an age group begins, rising.
    """

    name = "demographic_baseline"

    def __init__(self, num_tags: int, k: int, age_bounds: Sequence[float]) -> None:
        self._num_tags = num_tags
        self._k = k
        self._age_bounds = np.array(age_bounds, np.float32)
        self._group_of: dict[tuple[bytes, bytes, int], int] = {}
        self._pairs = PairCounts()  # by group * Y + tag
        self._num_posts = 0
        self._best: np.ndarray | None = None

    def learn(self, batch: Mapping[str, Any]) -> None:
        """Adds training posts: `age`, `gender`, `country` and `tags`."""
        groups = np.array(
            [self._group_of.setdefault(key, len(self._group_of)) for key in self._keys(batch)]
        )
        rows, tags = batch["tags"].value_rowids().numpy(), batch["tags"].flat_values.numpy()
        self._pairs.add(groups[rows] * self._num_tags + tags)
        self._num_posts += len(groups)

    def rank(self, batch: Mapping[str, Any]) -> np.ndarray:
        """See `Baseline.rank`."""
        if self._best is None:
            self._best = self._rank_groups()
        unseen = len(self._group_of)
        return self._best[[self._group_of.get(key, unseen) for key in self._keys(batch)]]

    def _keys(self, batch: Mapping[str, Any]) -> list[tuple[bytes, bytes, int]]:
        ages = batch["age"].numpy()
        groups = np.searchsorted(self._age_bounds, ages, side="right")
        groups[np.isnan(ages)] = -1
        facts = (batch["country"].numpy(), batch["gender"].numpy(), groups.tolist())
        return list(zip(*facts, strict=True))

    def _rank_groups(self) -> np.ndarray:
        """The best tags of each group, and in the last row those for groups never seen."""
        keys, counts = self._pairs.result()
        groups, tags = np.divmod(keys, self._num_tags)
        everyone = np.bincount(tags, counts, self._num_tags)
        # Times the posts of everyone: in whole numbers, equal shares are equal.
        return best_tags(
            groups,
            tags,
            counts * float(self._num_posts),
            num_rows=len(self._group_of) + 1,
            prior=PRIOR_POSTS * everyone,
            k=self._k,
        )
