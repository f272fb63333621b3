"""The vocabulary: hashtags of training posts, counted exactly."""

# Beam has type hints for a part of its functions only.
# mypy: allow-untyped-calls

import dataclasses
from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import Any

import apache_beam as beam
import numpy as np
from apache_beam.pvalue import PCollection
from apache_beam.transforms import combiners
from apache_beam.transforms.window import GlobalWindows
from apache_beam.utils.windowed_value import WindowedValue

from beam.running import storage
from beam.staging.duplicates import is_among
from beam.staging.staging_folder import StagedBlock, StagingFolder
from tagkeras.data.manifest import SPLITS
from tagkeras.data.vocabulary import Vocabulary

# How many posts have a tag, and hashes of as many of their users as matter.
TagStatistics = tuple[int, frozenset[bytes]]


@dataclasses.dataclass(frozen=True, kw_only=True)
class TagLimits:
    """Which tags the vocabulary takes.

    Attributes:
        max_tags: at most so many, the most frequent.
        min_count: training posts that a tag must be on.
        min_users: different people who must have used it.
    """

    max_tags: int
    min_count: int
    min_users: int


class CountTags(beam.PTransform[Any, Any]):
    """From `StagedBlock`s to `(tag, TagStatistics)` of the training posts, doubles left out.

    Args:
        staging: with the staged blocks.
        duplicates: what `FindDuplicates` gave.
        min_users: at most so many different users of a tag are told apart; 1: none.
    """

    def __init__(
        self, staging: StagingFolder, duplicates: PCollection[Any], min_users: int
    ) -> None:
        super().__init__()
        self._staging = staging
        self._duplicates = duplicates
        self._min_users = min_users

    def expand(self, blocks: PCollection[Any]) -> PCollection[Any]:
        """Applies the transform."""
        count = _CountTagsOfBundle(self._staging, self._min_users)
        return (
            blocks
            | "CountInBundles" >> beam.ParDo(count, beam.pvalue.AsList(self._duplicates))
            | "SumCounts" >> beam.CombinePerKey(_SumStatistics(self._min_users))
        )


class _CountTagsOfBundle(beam.DoFn):
    def __init__(self, staging: StagingFolder, min_users: int) -> None:
        self._staging = staging
        self._max_users = min_users if min_users > 1 else 0

    def start_bundle(self) -> None:
        self._counts: defaultdict[str, int] = defaultdict(int)
        self._users: defaultdict[str, set[bytes]] = defaultdict(set)
        self._duplicates: np.ndarray | None = None

    def process(self, block: StagedBlock, duplicates: list[np.ndarray]) -> None:
        columns = ["row_key", "split", "hashtags", "user_id"]
        posts = self._staging.read(block.name, columns)
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
        limits: which tags it takes.
    """

    def __init__(self, path: str, limits: TagLimits) -> None:
        super().__init__()
        self._path = path
        self._limits = limits

    def expand(self, statistics: PCollection[Any]) -> PCollection[Any]:
        """Applies the transform."""
        return (
            statistics
            | "FilterTags" >> beam.Filter(self._is_kept)
            | "TakeCounts" >> beam.MapTuple(lambda tag, counted: (tag, counted[0]))
            | "TakeMostFrequent"
            >> combiners.Top.Smallest(self._limits.max_tags, key=lambda pair: (-pair[1], pair[0]))
            | "WriteFile" >> beam.Map(lambda pairs: self._write(pairs))
        )

    def _is_kept(self, element: tuple[str, TagStatistics]) -> bool:
        (count, users), limits = element[1], self._limits
        return count >= limits.min_count and (
            limits.min_users <= 1 or len(users) >= limits.min_users
        )

    def _write(self, pairs: list[tuple[str, int]]) -> None:
        with storage.writing(self._path) as local:
            Vocabulary.from_counts(dict(pairs)).save(local)
