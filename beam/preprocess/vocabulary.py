"""The vocabulary: hashtags of training posts, counted exactly."""

# Beam has type hints for a part of its functions only.
# mypy: allow-untyped-calls, allow-untyped-decorators

from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import Any

import apache_beam as beam
import numpy as np
from apache_beam.pvalue import PCollection
from apache_beam.transforms import combiners
from apache_beam.transforms.window import GlobalWindows
from apache_beam.utils.windowed_value import WindowedValue

from beam.preprocess.config import Config
from beam.running import storage
from beam.staging.duplicates import is_among
from beam.staging.staging_folder import StagedBlock, StagingFolder
from tagkeras.data.manifest import SPLITS
from tagkeras.data.vocabulary import Vocabulary

# How many posts have a tag, and hashes of as many of their users as matter.
TagStatistics = tuple[int, frozenset[bytes]]


@beam.ptransform_fn
def write_vocabulary(
    blocks: PCollection[Any],
    duplicates: PCollection[Any],
    staging: StagingFolder,
    config: Config,
) -> PCollection[Any]:
    """Counts the tags of `StagedBlock`s and writes those that are frequent enough.

    Only training posts count, without duplicates.

    Args:
        blocks: that were staged.
        duplicates: of `duplicates_of_ids`.
        staging: with the posts of the blocks; the vocabulary goes there.
        config: which tags the vocabulary takes.
    """
    # Users are told apart up to as many as matter: none, if one is enough.
    max_users = config.min_tag_users if config.min_tag_users > 1 else 0

    def is_kept(tag: str, statistics: TagStatistics) -> bool:
        count, users = statistics
        return count >= config.min_tag_count and len(users) >= max_users

    def write(pairs: list[tuple[str, int]]) -> None:
        with storage.writing(staging.vocabulary) as local:
            Vocabulary.from_counts(dict(pairs)).save(local)

    count = _CountTagsOfBundle(staging, max_users)
    return (
        blocks
        | "SpreadBlocks" >> beam.Reshuffle()
        | "CountInBundles" >> beam.ParDo(count, beam.pvalue.AsList(duplicates))
        | "SumCounts" >> beam.CombinePerKey(_add_up, max_users)
        | "FilterTags" >> beam.Filter(lambda element: is_kept(*element))
        | "TakeCounts" >> beam.MapTuple(lambda tag, statistics: (tag, statistics[0]))
        | "TakeMostFrequent"
        >> combiners.Top.Smallest(config.max_tags, key=lambda pair: (-pair[1], pair[0]))
        | "WriteFile" >> beam.Map(write)
    )


class _CountTagsOfBundle(beam.DoFn):
    def __init__(self, staging: StagingFolder, max_users: int) -> None:
        self._staging = staging
        self._max_users = max_users

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


def _add_up(statistics: Iterable[TagStatistics], max_users: int) -> TagStatistics:
    """The sum of counts, and the union of users, of whom no more are kept than matter."""
    total, users = 0, frozenset[bytes]()
    for count, more in statistics:
        total += count
        if more and len(users) < max_users:
            users |= more
    return total, users
