"""Reads all posts of a dataset once: counts, statistics, and the problems of single posts."""

import re
from collections import Counter
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from beam.running import storage
from tagkeras.cli.progress import progress
from tagkeras.data.manifest import SPLIT_COUNTS, SPLITS, Manifest
from tagkeras.data.record_checks import REMEDY, ShardError, find_problems, read_shard
from tagkeras.data.records import SINGLE_FACTS, Batch

_BATCH_SIZE = 1024
_NUM_HASHES = 2**63 - 1
# Characters of an id, or of what a library says of a damaged file, at most.
_MAX_LENGTH = 160
# Parts of emoji and of some scripts, harmless on a terminal.
_JOINERS = "\u200c\u200d"


class Sample(NamedTuple):
    """A post to show: texts fit for a terminal, and ids of tags."""

    post_id: str
    tags: list[int]
    removed: list[int]
    out_of_vocabulary: int
    facts: list[str]


class Scan:
    """The contents of the shards of a dataset.

    Args:
        dataset: folder, local or a URI.
        manifest: of the dataset.
        num_samples: posts to keep of each split, at most.

    Attributes:
        manifest: of the dataset.
        counts: for each split, its `SPLIT_COUNTS`.
        users: for each split, int64 hashes of the user ids in each shard.
        whole: the splits whose shards are all there and could be read to the end.
        kept: int64 [Y], training posts by tag.
        removed: int64 [Y], training posts by tag that balancing took off.
        user_minimum: float [m], of the user descriptors; infinite without posts.
        user_maximum: float [m].
        user_sum: float [m].
        descriptors: of the finite image descriptors: `finite` (how many), `norms` (sum of L2
            norms), `values`, `zeros` (values that are 0), `all_zeros` (descriptors).
        samples: the first posts of each split.
        problems: a line each.
    """

    def __init__(self, dataset: str, manifest: Manifest, num_samples: int) -> None:
        self.manifest = manifest
        self.counts = {split: Counter(dict.fromkeys(SPLIT_COUNTS, 0)) for split in SPLITS}
        self.users: dict[str, dict[str, np.ndarray]] = {split: {} for split in SPLITS}
        self.whole = set(SPLITS)
        self.kept, self.removed = (np.zeros(manifest.num_tags, np.int64) for _ in range(2))
        size = manifest.user_descriptor["size"]
        self.user_minimum, self.user_maximum = np.full(size, np.inf), np.full(size, -np.inf)
        self.user_sum = np.zeros(size)
        self.descriptors: Counter[str] = Counter()
        self.samples: dict[str, list[Sample]] = {split: [] for split in SPLITS}
        self.problems: list[str] = []
        self._posts: dict[str, np.ndarray] = {}
        total = sum(counts["posts"] for counts in manifest.splits.values())
        with progress("inspecting", total, "posts") as advance:
            for split in SPLITS:
                for batch in self._read_split(dataset, split):
                    self._count(batch, split)
                    rows = range(min(num_samples - len(self.samples[split]), len(batch["post_id"])))
                    self.samples[split] += [_sample(batch, row) for row in rows]
                    advance(len(batch["post_id"]))
        self.problems += self._compare_ids()

    @property
    def num_posts(self) -> int:
        """Posts that were read."""
        return sum(counts["posts"] for counts in self.counts.values())

    def _read_split(self, dataset: str, split: str) -> Iterator[Batch]:
        """The batches of a split; a shard that cannot be read does not stop the others."""
        folder, expected = storage.join(dataset, split), self.manifest.splits[split]["shards"]
        shards = find_files(folder, "*.tfrecord")
        self.counts[split]["shards"] = len(shards)
        if len(shards) != expected:
            self.whole.discard(split)
            self.problems.append(
                f"{folder}: {len(shards):,} shards, but dataset.json names {expected:,}: {REMEDY}"
            )
        for shard in shards:
            posts, users = [np.zeros(0, np.int64)], [np.zeros(0, np.int64)]
            found: dict[str, tuple[int, str]] = {}
            try:
                with storage.reading(shard) as local:
                    for batch in read_shard(local, self.manifest, _BATCH_SIZE):
                        posts.append(_hash(batch["post_id"]))
                        users.append(_hash(batch["user_id"]))
                        for words, rows in find_problems(
                            batch, self.manifest.num_tags, split
                        ).items():
                            number, first = found.get(words, (0, ""))
                            first = first or printable(batch["post_id"][rows[0]].numpy())
                            found[words] = number + len(rows), first
                        yield batch
            except (ShardError, OSError) as error:
                self.whole.discard(split)
                self.problems.append(f"{shard}: {printable(storage.explain(error))}: {REMEDY}")
            self._posts[shard] = np.concatenate(posts)
            self.users[split][shard] = sort_distinct(np.concatenate(users))
            self.problems += [
                f"{shard}: {words}: {number:,} posts, the first {post_id}: {REMEDY}"
                for words, (number, post_id) in found.items()
            ]

    def _count(self, batch: Batch, split: str) -> None:
        counts = self.counts[split]
        counts["posts"] += len(batch["post_id"])
        counts["out_of_vocabulary"] += int(batch["out_of_vocabulary"].numpy().sum())
        for name, by_tag in (("tags", self.kept), ("tags_removed", self.removed)):
            ids = batch[name].values.numpy()
            counts["tag_pairs_removed" if name == "tags_removed" else "tag_pairs"] += len(ids)
            if split == "train":
                np.add.at(by_tag, ids[(ids >= 0) & (ids < len(by_tag))], 1)
        users = batch["user_descriptor"].numpy()
        np.minimum(self.user_minimum, users.min(axis=0), out=self.user_minimum)
        np.maximum(self.user_maximum, users.max(axis=0), out=self.user_maximum)
        self.user_sum += users.sum(axis=0, dtype=np.float64)
        descriptors = batch["descriptor"].numpy()
        norms = np.sqrt(np.einsum("ij,ij->i", descriptors, descriptors, dtype=np.float64))
        is_finite = np.isfinite(norms)
        self.descriptors.update(
            finite=int(is_finite.sum()),
            norms=norms[is_finite].sum(),
            values=descriptors[is_finite].size,
            zeros=int((descriptors[is_finite] == 0).sum()),
            all_zeros=int((norms == 0).sum()),
        )

    def _compare_ids(self) -> Iterator[str]:
        """Posts that are there twice, and users in more than one split."""
        hashes = np.concatenate([np.zeros(0, np.int64), *self._posts.values()])
        hashes.sort()
        repeated = hashes[1:][hashes[1:] == hashes[:-1]]
        if repeated.size:
            *_, earlier, shard = (
                shard for shard, ids in self._posts.items() for _ in ids[ids == repeated[0]]
            )
            words = f"{repeated.size:,} posts have an id that came before, one of them in {earlier}"
            yield f"{shard}: {words}: {REMEDY}"
        users = {
            split: sort_distinct(np.concatenate([np.zeros(0, np.int64), *shards.values()]))
            for split, shards in self.users.items()
        }
        for index, split in enumerate(SPLITS):
            for other in SPLITS[:index]:
                shared = np.intersect1d(users[split], users[other], assume_unique=True)
                if shared.size:
                    earlier, shard = (
                        next(path for path, ids in self.users[name].items() if shared[0] in ids)
                        for name in (other, split)
                    )
                    words = f"{shared.size:,} users are in {other} too, one of them in {earlier}"
                    yield f"{shard}: {words}: {REMEDY}"


def find_files(folder: str, pattern: str) -> list[str]:
    """The files of a folder, local or a URI, that match a glob, in the order of their names.

    Raises:
        UserError: the file system cannot be read.
    """
    # Beam's globs cannot quote: any character, where there is a special one in the folder's name.
    quoted = re.sub(r"[*?\[]", "?", folder)
    start = storage.join(folder, "")
    found = [file.path for file in storage.match(storage.join(quoted, pattern))]
    return [path for path in found if path.startswith(start)]


def printable(text: str | bytes) -> str:
    """A text from a dataset, or about it, fit for one line on a terminal."""
    if isinstance(text, bytes):
        text = text.decode(errors="backslashreplace")
    text = "".join(c if c.isprintable() or c in _JOINERS else repr(c)[1:-1] for c in text)
    return text if len(text) <= _MAX_LENGTH else f"{text[:_MAX_LENGTH]}..."


def sort_distinct(values: np.ndarray) -> np.ndarray:
    """The distinct values, sorted; sorts `values` in place, far faster than `np.unique`."""
    values.sort()
    return values[np.append(True, values[1:] != values[:-1])[: len(values)]]


def _hash(ids: tf.Tensor) -> np.ndarray:
    """int64 [B]: equal for equal ids and, in practice, for those alone."""
    return tf.strings.to_hash_bucket_fast(ids, _NUM_HASHES).numpy()


def _sample(batch: Batch, row: int) -> Sample:
    facts = []
    for fact in SINGLE_FACTS:
        value = batch[fact.name][row].numpy()
        text = printable(value) if fact.is_text else "" if np.isnan(value) else f"{value:g}"
        facts.append(text or "-")
    return Sample(
        post_id=printable(batch["post_id"][row].numpy()),
        tags=batch["tags"][row].numpy().tolist(),
        removed=batch["tags_removed"][row].numpy().tolist(),
        out_of_vocabulary=int(batch["out_of_vocabulary"][row]),
        facts=facts,
    )
