"""Reads all posts of a dataset once: counts, statistics, and the problems of single posts."""

import itertools
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np
import tensorflow as tf

from beam.preprocess.users import SeenFacts, describe_users
from beam.running import storage
from tagkeras.cli.progress import progress
from tagkeras.data.manifest import SPLIT_COUNTS, SPLITS, Manifest
from tagkeras.data.record_checks import ShardError, find_problems, read_shard
from tagkeras.data.records import Batch, single_facts
from tagkeras.layers import UserDescriptor

_BATCH_SIZE = 1024
# Of a user descriptor that is made again, on another machine.
_MAX_ERROR = 1e-5
_NUM_HASHES = 2**63 - 1
# Characters of an id, or of what a library says of a damaged file, at most.
_MAX_LENGTH = 160
# Parts of emoji and of some scripts, harmless on a terminal.
_JOINERS = "\u200c\u200d"


class Scan:
    """The contents of the shards of a dataset, a folder or URI.

    Attributes:
        counts: for each split its `SPLIT_COUNTS`, and its distinct `users`.
        whole: the splits whose shards are all there and could be read to the end.
        kept, removed: int64 [Y], training posts by tag, and by tag that balancing took off.
        facts: what is seen of them in the training posts.
        num_zeros: image descriptors that are all zeros.
        samples: the first `num_samples` posts of each split, values by the names of a `Batch`.
        problems: a line each.
    """

    def __init__(self, dataset: str, manifest: Manifest, num_samples: int) -> None:
        self.dataset, self.manifest = dataset, manifest
        self.counts = {split: Counter(dict.fromkeys(SPLIT_COUNTS, 0)) for split in SPLITS}
        self.whole = set(SPLITS)
        self.kept, self.removed = (np.zeros(manifest.num_tags, np.int64) for _ in range(2))
        self.facts = SeenFacts.empty(manifest.facts)
        self.num_zeros = 0
        self.samples: dict[str, list[dict[str, Any]]] = {split: [] for split in SPLITS}
        self.problems: list[str] = []
        self._num_samples = num_samples
        self._describe = UserDescriptor(manifest.facts)
        # Hashes of the ids in each shard; of users, for each split.
        self._posts: dict[str, np.ndarray] = {}
        self._users: dict[str, dict[str, np.ndarray]] = {split: {} for split in SPLITS}
        total = sum(manifest.splits[split]["posts"] for split in SPLITS)
        with progress("inspecting", total, "posts") as advance:
            for split in SPLITS:
                shards = find_files(storage.join(dataset, split), "*.tfrecord")
                self.counts[split]["shards"] = len(shards)
                if len(shards) != manifest.splits[split]["shards"]:
                    self.whole.discard(split)
                for shard in shards:
                    self.problems += self._read(shard, split, advance)
        self.problems += self._compare_ids()

    @property
    def num_posts(self) -> int:
        """Of all splits."""
        return sum(counts["posts"] for counts in self.counts.values())

    def _read(self, shard: str, split: str, advance: Callable[[int], None]) -> Iterator[str]:
        """Takes in a shard; one that cannot be read does not stop the others."""
        posts, users = [], []
        bad: defaultdict[str, list[bytes]] = defaultdict(list)
        try:
            with storage.reading(shard) as local:
                for batch in read_shard(local, self.manifest, _BATCH_SIZE):
                    ids = batch["post_id"].numpy()
                    posts.append(_hash(ids))
                    users.append(_hash(batch["user_id"]))
                    problems = find_problems(batch, self.manifest.num_tags, split)
                    for words, rows in (problems | self._check_users(batch, split)).items():
                        bad[words] += ids[rows].tolist()
                    self._count(batch, split)
                    advance(len(ids))
        except (ShardError, OSError) as error:
            yield f"{shard}: {printable(storage.explain(error))}"
            self.whole.discard(split)
        self._posts[shard], self._users[split][shard] = _join(posts), _sort_distinct(_join(users))
        for words, found in bad.items():
            yield f"{shard}: {words}: {len(found):,} posts, the first {printable(found[0])}"

    def _count(self, batch: Batch, split: str) -> None:
        counts, num_posts = self.counts[split], len(batch["post_id"])
        counts["posts"] += num_posts
        counts["out_of_vocabulary"] += int(batch["out_of_vocabulary"].numpy().sum())
        for name, by_tag in (("tags", self.kept), ("tags_removed", self.removed)):
            ids = batch[name].values.numpy()
            counts[name.replace("tags", "tag_pairs")] += len(ids)
            if split == "train":
                np.add.at(by_tag, ids[(ids >= 0) & (ids < len(by_tag))], 1)
        self.num_zeros += int((~batch["descriptor"].numpy().any(axis=1)).sum())
        samples = self.samples[split]
        for row in range(min(self._num_samples - len(samples), num_posts)):
            samples.append({name: values[row].numpy() for name, values in batch.items()})

    def _check_users(self, batch: Batch, split: str) -> dict[str, np.ndarray]:
        """Takes in the facts; gives the rows of users that are not described by theirs."""
        schema, users = self.manifest.facts, batch["user_descriptor"].numpy()
        facts = {fact.name: batch[fact.name].numpy() for fact in single_facts(schema.facts)}
        facts |= zip(("latitude", "longitude"), batch["location"].numpy().T, strict=True)
        if split == "train":
            self.facts.add(SeenFacts.of(schema, users, facts))
        is_far = np.abs(users - describe_users(self._describe, facts)) > _MAX_ERROR
        rows = np.flatnonzero(is_far.any(axis=1) & np.isfinite(users).all(axis=1))
        return {"a user descriptor that is not of its facts": rows} if rows.size else {}

    def _compare_ids(self) -> Iterator[str]:
        """Finds posts that are there twice, and users in more than one split."""
        posts = np.sort(_join(self._posts.values()))
        repeated = posts[1:][posts[1:] == posts[:-1]]
        if repeated.size:
            shards = [shard for shard, ids in self._posts.items() if repeated[0] in ids]
            words = f"{repeated.size:,} posts have an id that came before, one of them in"
            yield f"{shards[-1]}: {words} {shards[0]}"
        users = {split: _sort_distinct(_join(ids.values())) for split, ids in self._users.items()}
        for split, ids in users.items():
            self.counts[split]["users"] = len(ids)
        for one, other in itertools.combinations(SPLITS, 2):
            shared = np.intersect1d(users[one], users[other], assume_unique=True)
            if shared.size:
                earlier, shard = (
                    next(path for path, ids in self._users[split].items() if shared[0] in ids)
                    for split in (one, other)
                )
                words = f"{shared.size:,} users are in {one} too, one of them in"
                yield f"{shard}: {words} {earlier}"


def find_files(folder: str, pattern: str) -> list[str]:
    """The files of a folder, local or a URI, that match a glob, in the order of their names.

    Raises:
        UserError: the file system cannot be read.
    """
    # Beam's globs cannot quote: any character, where there is a special one in the folder's name.
    quoted = re.sub(r"[*?\[]", "?", folder)
    found = [file.path for file in storage.match(storage.join(quoted, pattern))]
    return [path for path in found if path.startswith(storage.join(folder, ""))]


def printable(text: str | bytes) -> str:
    """A text from a dataset, or about it, fit for one line on a terminal."""
    if isinstance(text, bytes):
        text = text.decode(errors="backslashreplace")
    text = "".join(c if c.isprintable() or c in _JOINERS else repr(c)[1:-1] for c in text)
    return text if len(text) <= _MAX_LENGTH else f"{text[:_MAX_LENGTH]}..."


def _join(arrays: Iterable[np.ndarray]) -> np.ndarray:
    return np.concatenate([np.zeros(0, np.int64), *arrays])


def _sort_distinct(values: np.ndarray) -> np.ndarray:
    """The distinct values, sorted; sorts `values` in place, 100 times faster than `np.unique`."""
    values.sort()
    return values[np.append(True, values[1:] != values[:-1])[: len(values)]]


def _hash(ids: tf.Tensor | np.ndarray) -> np.ndarray:
    """int64 [B]: equal for equal ids and, in practice, for those alone."""
    return tf.strings.to_hash_bucket_fast(ids, _NUM_HASHES).numpy()
