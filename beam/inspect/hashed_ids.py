"""Ids by their hashes alone, in the files that they are in: 8 bytes an id."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from beam.staging.duplicates import is_among


class Repeats(NamedTuple):
    """Ids of a file that came before.

    Attributes:
        file: the file.
        number: how many times an id of it came before, in another file or the same.
        earlier_file: where one of them was first.
    """

    file: str
    number: int
    earlier_file: str


class HashedIds:
    """Hashes of the ids of files. Memory holds them, and one sorted copy while it is asked."""

    def __init__(self) -> None:
        self._hashes: dict[str, np.ndarray] = {}

    def add(self, file: str, hashes: np.ndarray) -> None:
        """Takes in the ids of another file: int64 [B]."""
        self._hashes[file] = hashes

    def distinct(self) -> np.ndarray:
        """Each hash once, sorted."""
        return sort_distinct(self._concatenated())

    def file_with(self, hashed: int) -> str:
        """The first file that an id is in."""
        return next(file for file, hashes in self._hashes.items() if hashed in hashes)

    def repeats(self) -> Iterator[Repeats]:
        """The files with ids that came before, in the order of `add`."""
        hashes = self._concatenated()
        hashes.sort()
        repeated = sort_distinct(hashes[1:][hashes[1:] == hashes[:-1]])
        del hashes
        files = list(self._hashes)
        first = np.full(len(repeated), -1)
        for number, file in enumerate(files):
            of_file = self._hashes[file]
            of_file = of_file[is_among(of_file, repeated)]
            places = sort_distinct(np.searchsorted(repeated, of_file))
            is_new = first[places] < 0
            first[places[is_new]] = number
            again = len(of_file) - int(is_new.sum())
            if again:
                earlier = first[places[~is_new]] if (~is_new).any() else np.array([number])
                yield Repeats(file, again, files[earlier[0]])

    def _concatenated(self) -> np.ndarray:
        return np.concatenate([np.zeros(0, np.int64), *self._hashes.values()])


def sort_distinct(values: np.ndarray) -> np.ndarray:
    """Each value once, sorted; `values` are sorted in place.

    For millions of values `np.unique` takes a minute, and a table of six times their size.
    """
    values.sort()
    is_first = np.ones(len(values), bool)
    np.not_equal(values[1:], values[:-1], out=is_first[1:])
    return values[is_first]
