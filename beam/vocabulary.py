"""What has to be known of all posts before one is written: which are doubles, which tags count."""

# Beam has type hints for a part of its functions only.
# mypy: allow-untyped-calls

from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import apache_beam as beam
import numpy as np
from apache_beam.pvalue import PCollection
from apache_beam.transforms import combiners
from apache_beam.transforms.window import GlobalWindows
from apache_beam.utils.windowed_value import WindowedValue

from beam.blocks import read_staged
from beam.staging import ID_ROW, StagedBlock
from tagkeras.data.manifest import SPLITS
from tagkeras.data.vocabulary import Vocabulary

# How many posts have a tag, and hashes of as many of their users as matter.
TagStatistics = tuple[int, frozenset[bytes]]


class FindDuplicates(beam.PTransform[Any, Any]):
    """From what `take_ids` gives to int64 arrays of the `row_key`s of posts whose id came before.

    Only digests of ids are grouped, 24 bytes a post.
    """

    def expand(self, ids: PCollection[Any]) -> PCollection[Any]:
        """Applies the transform."""
        return ids | "GroupIds" >> beam.GroupByKey() | "FindDoubles" >> beam.MapTuple(find_doubles)


def find_doubles(bucket: int, groups: Iterable[bytes]) -> np.ndarray:
    """Row keys of the posts of a bucket that have the digest of one before them."""
    del bucket
    rows = np.frombuffer(b"".join(groups), ID_ROW)
    rows = rows[np.lexsort((rows["row_key"], rows["low"], rows["high"]))]
    again = (rows["high"][1:] == rows["high"][:-1]) & (rows["low"][1:] == rows["low"][:-1])
    return np.sort(rows["row_key"][1:][again])


def is_among(values: np.ndarray, among: np.ndarray) -> np.ndarray:
    """Which `values` are in the sorted array `among`."""
    if not among.size:
        return np.zeros(values.shape, bool)
    places = np.searchsorted(among, values).clip(max=among.size - 1)
    return among[places] == values


class CountTags(beam.PTransform[Any, Any]):
    """From `StagedBlock`s to `(tag, TagStatistics)` of the training posts, doubles left out.

    Args:
        folder: of the staged blocks.
        duplicates: what `FindDuplicates` gave.
        min_users: at most so many different users of a tag are told apart; 1: none.
    """

    def __init__(self, folder: str, duplicates: PCollection[Any], min_users: int) -> None:
        super().__init__()
        self._folder = folder
        self._duplicates = duplicates
        self._min_users = min_users

    def expand(self, blocks: PCollection[Any]) -> PCollection[Any]:
        """Applies the transform."""
        count = _CountTagsOfBundle(self._folder, self._min_users)
        return (
            blocks
            | "CountInBundles" >> beam.ParDo(count, beam.pvalue.AsList(self._duplicates))
            | "SumCounts" >> beam.CombinePerKey(_SumStatistics(self._min_users))
        )


class _CountTagsOfBundle(beam.DoFn):
    def __init__(self, folder: str, min_users: int) -> None:
        self._folder = Path(folder)
        self._max_users = min_users if min_users > 1 else 0

    def start_bundle(self) -> None:
        self._counts: defaultdict[str, int] = defaultdict(int)
        self._users: defaultdict[str, set[bytes]] = defaultdict(set)
        self._duplicates: np.ndarray | None = None

    def process(self, block: StagedBlock, duplicates: list[np.ndarray]) -> None:
        columns = ["row_key", "split", "hashtags", "user_id"]
        posts = read_staged(self._folder, block.name, columns)
        counted = posts.column("split").to_numpy() == SPLITS.index("train")
        if self._duplicates is None:
            self._duplicates = np.sort(np.concatenate([*duplicates, np.zeros(0, np.int64)]))
        counted &= ~is_among(posts.column("row_key").to_numpy(), self._duplicates)
        posts = posts.filter(counted)
        tags = posts.column("hashtags").to_pylist()
        for tags_of_post in tags:
            for tag in tags_of_post:
                self._counts[tag] += 1
        if self._max_users:
            users = posts.column("user_id").to_pylist()
            for tags_of_post, user in zip(tags, users, strict=True):
                for tag in tags_of_post:
                    if len(self._users[tag]) < self._max_users:
                        self._users[tag].add(user[:16])

    def finish_bundle(self) -> Iterator[WindowedValue]:
        for tag, count in self._counts.items():
            statistics = count, frozenset(self._users.get(tag, ()))
            yield GlobalWindows.windowed_value_at_end_of_window((tag, statistics))


class _SumStatistics(beam.CombineFn):
    """Adds counts and unites users, of which no more are kept than matter."""

    def __init__(self, max_users: int) -> None:
        self._max_users = max_users

    def create_accumulator(self) -> TagStatistics:
        return 0, frozenset()

    def add_input(self, accumulator: TagStatistics, element: TagStatistics) -> TagStatistics:
        return self.merge_accumulators([accumulator, element])

    def merge_accumulators(self, accumulators: Iterable[TagStatistics]) -> TagStatistics:
        total, users = 0, frozenset[bytes]()
        for count, more in accumulators:
            total += count
            if more and len(users) < self._max_users:
                users |= more
        return total, users

    def extract_output(self, accumulator: TagStatistics) -> TagStatistics:
        return accumulator


class WriteVocabulary(beam.PTransform[Any, Any]):
    """Writes the tags that are frequent and common enough to a vocabulary file.

    Args:
        path: of the file.
        max_tags: at most so many, the most frequent.
        min_count: training posts that a tag must be on.
        min_users: different people who must have used it.
    """

    def __init__(self, path: str, *, max_tags: int, min_count: int, min_users: int) -> None:
        super().__init__()
        self._path = path
        self._max_tags = max_tags
        self._min_count = min_count
        self._min_users = min_users

    def expand(self, statistics: PCollection[Any]) -> PCollection[Any]:
        """Applies the transform."""
        return (
            statistics
            | "FilterTags" >> beam.Filter(self._is_kept)
            | "TakeCounts" >> beam.MapTuple(lambda tag, counted: (tag, counted[0]))
            | "TakeMostFrequent"
            >> combiners.Top.Smallest(self._max_tags, key=lambda pair: (-pair[1], pair[0]))
            | "WriteFile" >> beam.Map(lambda pairs: self._write(pairs))
        )

    def _is_kept(self, element: tuple[str, TagStatistics]) -> bool:
        count, users = element[1]
        return count >= self._min_count and (self._min_users <= 1 or len(users) >= self._min_users)

    def _write(self, pairs: list[tuple[str, int]]) -> None:
        Vocabulary.from_counts(dict(pairs)).save(self._path)
