"""Counts of keys, in arrays that are merged now and then."""

import numpy as np

# Keys that wait to be merged.
_WAITING = 2**22


class PairCounts:
    """How often each of many int64 keys was added; 16 bytes for each different key."""

    def __init__(self) -> None:
        self._keys = np.zeros(0, np.int64)
        self._counts = np.zeros(0, np.int64)
        self._waiting: list[np.ndarray] = []
        self._num_waiting = 0

    def add(self, keys: np.ndarray) -> None:
        """Adds int64 keys, [any number]."""
        self._waiting.append(keys)
        self._num_waiting += len(keys)
        if self._num_waiting > _WAITING:
            self._merge()

    def result(self) -> tuple[np.ndarray, np.ndarray]:
        """The different keys, rising, and how often each was added; both int64."""
        self._merge()
        return self._keys, self._counts

    def _merge(self) -> None:
        added = np.concatenate([self._keys, *self._waiting])
        counts = np.concatenate([self._counts, np.ones(self._num_waiting, np.int64)])
        self._keys, place = np.unique(added, return_inverse=True)
        self._counts = np.bincount(place, counts).astype(np.int64)
        self._waiting, self._num_waiting = [], 0
