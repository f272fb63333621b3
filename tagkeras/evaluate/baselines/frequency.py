"""The most frequent tags for everyone."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from tagkeras.evaluate.baselines.baseline import Baseline


class FrequencyBaseline(Baseline):
    """The same k tags for every post: those with the most training posts.

    Args:
        k: how many.
    """

    name = "frequency_baseline"

    def __init__(self, k: int) -> None:
        # The vocabulary is in this order.
        self._best = np.arange(k)

    def rank(self, batch: Mapping[str, Any]) -> np.ndarray:
        """See `Baseline.rank`."""
        return np.tile(self._best, (len(batch["post_id"]), 1))
