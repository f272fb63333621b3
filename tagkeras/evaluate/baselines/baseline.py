"""What every baseline is."""

import abc
from collections.abc import Mapping
from typing import Any

import numpy as np


class Baseline(abc.ABC):
    """A way to rank hashtags for posts.

    Attributes:
        name: as in `metrics.json`.
    """

    name: str

    @abc.abstractmethod
    def rank(self, batch: Mapping[str, Any]) -> np.ndarray:
        """The best k tags of each post.

        Args:
            batch: of B posts, as `tagkeras.data.input.read_split` gives them.

        Returns:
            int64 [B, k], ids, best first; -1 where there is none.
        """
