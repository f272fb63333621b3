"""The vocabulary and the statistics of facts: training posts, counted exactly."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from typing import Any

import apache_beam as beam
import numpy as np
import pyarrow as pa
from apache_beam.pvalue import AsSingleton, PCollection, TaggedOutput
from apache_beam.transforms import combiners
from apache_beam.transforms.window import GlobalWindows
from apache_beam.utils.windowed_value import WindowedValue

from beam.posts.identities import choose_split
from beam.preprocess.config import Config
from beam.preprocess.held_out import find_test_fraction
from beam.preprocess.user_facts import Person, Statistics, sum_up
from beam.running import storage
from beam.staging.duplicates import is_among
from beam.staging.staging_folder import StagedBlock, StagingFolder
from tagkeras.data.manifest import SPLITS
from tagkeras.data.vocabulary import Vocabulary

# How many posts have a tag, and hashes of as many of their users as matter.
TagStatistics = tuple[int, frozenset[bytes]]
_PEOPLE = "people"


@beam.ptransform_fn
def write_statistics(
    blocks: PCollection[Any],
    duplicates: PCollection[Any],
    staging: StagingFolder,
    config: Config,
) -> None:
    """Counts the tags and facts of `StagedBlock`s; writes the vocabulary and `Statistics`.

    Only training posts count, without `duplicates`. What is found out goes to `staging`, too.
    """
    # Users are told apart up to as many as matter: none, if one is enough.
    max_users = config.min_tag_users if config.min_tag_users > 1 else 0

    def is_kept(tag: str, statistics: TagStatistics) -> bool:
        count, users = statistics
        return count >= config.min_tag_count and len(users) >= max_users

    def write_vocabulary(pairs: list[tuple[str, int]]) -> None:
        with storage.writing(staging.vocabulary) as local:
            Vocabulary.from_counts(dict(pairs)).save(local)

    def is_frequent(key: tuple[str, str], terms: tuple[int, ...]) -> bool:
        return not key[1] or terms[0] >= config.min_category_users

    def write_facts(sums: list[Any], test: float) -> None:
        storage.write_text(staging.statistics, Statistics.of(dict(sums), config, test).to_json())

    test: Any = 0.1 if config.test_fraction is None else config.test_fraction
    if config.test_posts is not None:
        find = find_test_fraction(duplicates, staging, config.test_posts)
        test = AsSingleton(blocks | "TestFraction" >> find)
    counted = (
        blocks
        | "SpreadBlocks" >> beam.Reshuffle()
        | "CountInBundles"
        >> beam.ParDo(
            _CountInBundles(staging, config, max_users),
            AsSingleton(duplicates),
            test,
        ).with_outputs(_PEOPLE, main="tags")
    )
    _ = (
        counted.tags
        | "SumCounts" >> beam.CombinePerKey(_add_up, max_users)
        | "FilterTags" >> beam.Filter(lambda element: is_kept(*element))
        | "TakeCounts" >> beam.MapTuple(lambda tag, statistics: (tag, statistics[0]))
        | "TakeMostFrequent"
        >> combiners.Top.Smallest(config.max_tags, key=lambda pair: (-pair[1], pair[0]))
        | "WriteVocabulary" >> beam.Map(write_vocabulary)
    )
    _ = (
        counted[_PEOPLE]
        | "GroupPeople" >> beam.GroupByKey()
        | "SumInGroups" >> beam.FlatMapTuple(lambda _, groups: sum_up(groups, config).items())
        | "AddSums" >> beam.CombinePerKey(_add_sums)
        | "FilterValues" >> beam.Filter(lambda element: is_frequent(*element))
        | "ListSums" >> combiners.ToList()
        | "WriteStatistics" >> beam.Map(write_facts, test)
    )


class _CountInBundles(beam.DoFn):
    """Counts tags, and tagged `_PEOPLE` how many posts of a block are of which `Person`."""

    def __init__(self, staging: StagingFolder, config: Config, max_users: int) -> None:
        self._staging = staging
        self._config = config
        self._max_users = max_users

    def start_bundle(self) -> None:
        self._counts: defaultdict[str, int] = defaultdict(int)
        self._users: defaultdict[str, set[bytes]] = defaultdict(set)

    def process(self, block: StagedBlock, duplicates: np.ndarray, test: float) -> Iterator[Any]:
        fractions = self._config.fractions(test)
        columns = ["row_key", "draw", "hashtags", "user_id"]
        facts = self._config.looked_at
        posts = self._staging.read(block.name, [*columns, *facts])
        splits = [choose_split(x, **fractions) for x in posts.column("draw").to_pylist()]
        is_again = is_among(posts.column("row_key").to_numpy(), duplicates)
        posts = posts.filter((np.array(splits) == SPLITS.index("train")) & ~is_again)
        tags, users = (posts.column(name).to_pylist() for name in ("hashtags", "user_id"))
        for tags_of_post in tags:
            for tag in tags_of_post:
                self._counts[tag] += 1
        if self._max_users:
            for tags_of_post, user in zip(tags, users, strict=True):
                for tag in tags_of_post:
                    if len(self._users[tag]) < self._max_users:
                        self._users[tag].add(user[:16])
        # A user's posts meet in one of 256 groups.
        people: defaultdict[bytes, Counter[Person]] = defaultdict(Counter)
        for person in zip(users, *(_to_values(posts.column(name)) for name in facts), strict=True):
            people[person[0][:2]][person] += 1
        for element in people.items():
            yield TaggedOutput(_PEOPLE, element)

    def finish_bundle(self) -> Iterator[WindowedValue]:
        for tag, count in self._counts.items():
            statistics = count, frozenset(self._users.get(tag, ()))
            yield GlobalWindows.windowed_value_at_end_of_window((tag, statistics))


def _to_values(column: pa.ChunkedArray) -> list[Any]:
    """A fact's texts or numbers; None where it is unknown."""
    values = column.to_pylist()
    if pa.types.is_binary(column.type):
        return [value.decode() or None for value in values]
    return [None if value != value else value for value in values]


def _add_up(statistics: Iterable[TagStatistics], max_users: int) -> TagStatistics:
    """The sum of counts, and the union of users, of whom no more are kept than matter."""
    total, users = 0, frozenset[bytes]()
    for count, more in statistics:
        total += count
        if more and len(users) < max_users:
            users |= more
    return total, users


def _add_sums(sums: Iterable[tuple[int, ...]]) -> tuple[int, ...]:
    return tuple(map(sum, zip(*sums, strict=True)))
