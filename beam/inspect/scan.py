"""Reads all posts of a dataset once: counts, statistics, and what is wrong with any of them."""

import dataclasses
from collections import Counter
from collections.abc import Iterator

import numpy as np

from beam.inspect.dataset_files import REMEDY, find_files
from beam.inspect.faults import find_faults, is_known
from beam.inspect.hashed_ids import HashedIds, sort_distinct
from beam.inspect.shard_batches import Batch, ShardError, ShardReader
from beam.inspect.statistics import (
    ColumnStatistics,
    DescriptorStatistics,
    Sample,
    TagCounts,
    take_sample,
)
from beam.running import storage
from tagkeras.cli.progress import progress
from tagkeras.data.manifest import SPLIT_COUNTS, SPLITS, Manifest


@dataclasses.dataclass
class SplitScan:
    """What there is of a split.

    Attributes:
        counts: of `SPLIT_COUNTS`.
        users: of the posts.
        samples: the first posts.
        is_whole: whether each shard could be read to its end, and all are there.
    """

    counts: Counter[str] = dataclasses.field(
        default_factory=lambda: Counter(dict.fromkeys(SPLIT_COUNTS, 0))
    )
    users: HashedIds = dataclasses.field(default_factory=HashedIds)
    samples: list[Sample] = dataclasses.field(default_factory=list)
    is_whole: bool = True


class Scan:
    """What there is in the shards of a dataset.

    Args:
        dataset: folder, local or a URI.
        manifest: of the dataset.
        num_samples: posts to keep of each split, at most.

    Attributes:
        splits: by name.
        post_ids: of all splits.
        kept: training posts by tag.
        removed: training posts by tag that balancing took off.
        user_descriptors: of all posts.
        descriptors: of all posts.
        problems: a line each.
    """

    def __init__(self, dataset: str, manifest: Manifest, num_samples: int) -> None:
        self.splits = {split: SplitScan() for split in SPLITS}
        self.post_ids = HashedIds()
        self.kept, self.removed = TagCounts(), TagCounts()
        self.user_descriptors = ColumnStatistics(manifest.user_descriptor["size"])
        self.descriptors = DescriptorStatistics()
        self.problems: list[str] = []
        self._dataset, self._manifest = dataset, manifest
        self._num_samples = num_samples
        self._reader = ShardReader(manifest)

    @property
    def num_posts(self) -> int:
        """Posts that were read."""
        return sum(split.counts["posts"] for split in self.splits.values())

    def run(self) -> None:
        """Reads all shards; a bad one does not stop the others."""
        total = sum(counts["posts"] for counts in self._manifest.splits.values())
        with progress("inspecting", total, "posts") as advance:
            for split in SPLITS:
                for size in self._read_split(split):
                    advance(size)
        self.problems += self._compare_ids()

    def _read_split(self, split: str) -> Iterator[int]:
        """Yields how many posts were read since the last time."""
        scanned = self.splits[split]
        folder = storage.join(self._dataset, split)
        shards = find_files(folder, "*.tfrecord")
        expected = self._manifest.splits[split]["shards"]
        scanned.counts["shards"] = len(shards)
        if len(shards) != expected:
            scanned.is_whole = False
            self.problems.append(
                f"{folder}: {len(shards):,} shards, but dataset.json names {expected:,}: {REMEDY}"
            )
        for shard in shards:
            post_hashes, user_hashes = [np.zeros(0, np.int64)], [np.zeros(0, np.int64)]
            faults: dict[str, tuple[int, str]] = {}
            try:
                for batch in self._reader.read(shard):
                    post_hashes.append(batch.post_hashes)
                    user_hashes.append(batch.user_hashes)
                    self._take_faults(batch, split, faults)
                    self._take(batch, split)
                    yield len(batch)
            except ShardError as error:
                scanned.is_whole = False
                self.problems.append(f"{error}: {REMEDY}")
            self.post_ids.add(shard, np.concatenate(post_hashes))
            scanned.users.add(shard, sort_distinct(np.concatenate(user_hashes)))
            self.problems += [
                f"{shard}: {words}: {number:,} posts, the first {post_id}: {REMEDY}"
                for words, (number, post_id) in faults.items()
            ]

    def _take(self, batch: Batch, split: str) -> None:
        scanned, num_tags = self.splits[split], self._manifest.num_tags
        scanned.counts["posts"] += len(batch)
        scanned.counts["tag_pairs"] += len(batch.tags.ids)
        scanned.counts["tag_pairs_removed"] += len(batch.removed.ids)
        scanned.counts["out_of_vocabulary"] += int(batch.out_of_vocabulary.sum())
        if split == "train":
            for counts, lists in ((self.kept, batch.tags), (self.removed, batch.removed)):
                counts.add(lists.ids[is_known(lists.ids, num_tags)])
        self.user_descriptors.add(batch.user_descriptors)
        self.descriptors.add(batch.descriptors)
        wanted = min(len(batch), self._num_samples - len(scanned.samples))
        scanned.samples += [take_sample(batch, row) for row in range(wanted)]

    def _take_faults(self, batch: Batch, split: str, faults: dict[str, tuple[int, str]]) -> None:
        """Adds to what is wrong with posts of a shard: how many, and the first one's id."""
        for words, rows in find_faults(batch, self._manifest.num_tags, split).items():
            number, post_id = faults.get(words, (0, ""))
            faults[words] = number + len(rows), post_id or batch.text("post_id", rows[0])

    def _compare_ids(self) -> Iterator[str]:
        """Ids that are where they must not be."""
        for file, number, earlier in self.post_ids.repeats():
            words = f"{number:,} posts have an id that came before, one of them in {earlier}"
            yield f"{file}: {words}: {REMEDY}"
        users = {split: scanned.users.distinct() for split, scanned in self.splits.items()}
        for index, split in enumerate(SPLITS):
            for other in SPLITS[:index]:
                shared = np.intersect1d(users[split], users[other], assume_unique=True)
                if shared.size:
                    files = [self.splits[s].users.file_with(shared[0]) for s in (other, split)]
                    words = f"{shared.size:,} users are in {other} too, one of them in {files[0]}"
                    yield f"{files[1]}: {words}: {REMEDY}"
