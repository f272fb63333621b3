"""From staged blocks to the TFRecord shards of a dataset."""

import copy
import dataclasses
import json
from collections import Counter
from collections.abc import Iterable, Iterator

import apache_beam as beam
import numpy as np
import pyarrow as pa
import tensorflow as tf
from apache_beam.metrics.metric import Metrics

from beam.posts import identities
from beam.posts.descriptors import from_raw
from beam.posts.fact_columns import from_arrow
from beam.preprocess.config import Config
from beam.preprocess.user_facts import Statistics
from beam.preprocess.users import SeenFacts, describe_users
from beam.running import storage
from beam.staging.shards import ShardFiles, ShardPlan, ShardReader
from beam.staging.staging_folder import StagingFolder
from tagkeras.data import records
from tagkeras.data.facts import FactSchema
from tagkeras.data.manifest import SPLIT_COUNTS, SPLITS
from tagkeras.data.vocabulary import Vocabulary
from tagkeras.layers import UserDescriptor

# Rules that posts are dropped by.
NO_KNOWN_TAG = "train_post_without_known_tag"
NO_TAG_LEFT = "no_tag_left_by_balancing"
ONLY_STOP_TAGS = "only_stop_tags"


@dataclasses.dataclass
class ShardSummary:
    """What was written of a shard.

    Attributes:
        splits: for each split what `SPLIT_COUNTS` names.
        dropped: posts by rule.
        kept_counts: int64 [Y], training pairs of each tag that were kept.
        facts: what is seen in the training posts.
    """

    splits: dict[str, Counter[str]]
    dropped: Counter[str]
    kept_counts: np.ndarray
    facts: SeenFacts

    @classmethod
    def empty(cls, num_tags: int, schema: FactSchema) -> "ShardSummary":
        """The summary of nothing."""
        splits = {split: Counter(dict.fromkeys(SPLIT_COUNTS, 0)) for split in SPLITS}
        return cls(splits, Counter(), np.zeros(num_tags, np.int64), SeenFacts.empty(schema))

    def to_json(self) -> str:
        """The summary as a text."""
        values = {"kept_counts": self.kept_counts.tolist(), "facts": vars(self.facts)}
        return json.dumps({**vars(self), **values})

    @classmethod
    def from_json(cls, text: str) -> "ShardSummary":
        """The summary that `to_json` gave the text of."""
        values = json.loads(text)
        splits = {split: Counter(counts) for split, counts in values["splits"].items()}
        kept = np.array(values["kept_counts"], np.int64)
        return cls(splits, Counter(values["dropped"]), kept, SeenFacts(**values["facts"]))


def add_up(summaries: Iterable[ShardSummary]) -> ShardSummary:
    """The sum of some summaries, of one vocabulary; at least one."""
    first, *others = summaries
    total = copy.deepcopy(first)
    for summary in others:
        for split, counts in summary.splits.items():
            total.splits[split].update(counts)
        total.dropped.update(summary.dropped)
        total.kept_counts += summary.kept_counts
        total.facts.add(summary.facts)
    return total


@dataclasses.dataclass(eq=False)
class WriteShard(beam.DoFn):
    """Writes the shard of a `ShardPlan` for each split; gives its `ShardSummary`.

    The target of balancing is None for the natural distribution.
    """

    config: Config
    output: str
    staging: StagingFolder
    balance_target: float | None

    def setup(self) -> None:
        """Reads what the first pass found out."""
        with storage.reading(self.staging.vocabulary) as local:
            self._vocabulary = Vocabulary.load(local)
        self._statistics = Statistics.from_json(storage.read_text(self.staging.statistics))
        self._describe = UserDescriptor(self._statistics.facts)
        self._reader = ShardReader(self.staging, self.output)
        target = self.balance_target or np.inf
        self._probabilities = np.minimum(1.0, target / self._vocabulary.counts).tolist()

    def process(self, plan: ShardPlan) -> Iterator[ShardSummary]:
        """One plan, at most one file for each split and one of rejected posts."""
        summary = ShardSummary.empty(len(self._vocabulary), self._statistics.facts)
        folders = {split: storage.join(self.output, split) for split in SPLITS}
        with ShardFiles(plan) as files:
            for posts in self._reader.read(plan, files):
                for split, record in self._make_records(posts, summary):
                    writer = files.writer(
                        folders[split], ".tfrecord", lambda path: tf.io.TFRecordWriter(str(path))
                    )
                    writer.write(
                        records.encode(record, self.config.descriptor_dtype, self.config.facts)
                    )
        for split, counts in summary.splits.items():
            counts["shards"] = int(counts["posts"] > 0)
            Metrics.counter("written", split).inc(counts["posts"])
        for rule, count in summary.dropped.items():
            Metrics.counter("dropped", rule).inc(count)
        yield summary

    def _make_records(
        self, posts: pa.Table, summary: ShardSummary
    ) -> Iterator[tuple[str, records.PostRecord]]:
        """The records of the posts that are not dropped, each with its split."""
        columns = {
            name: posts.column(name).to_pylist()
            for name in ("post_id", "post_digest", "user_id", "draw")
        }
        tags_of_posts = posts.column("hashtags").to_pylist()
        facts = from_arrow(posts, [fact.name for fact in self.config.facts])
        users = describe_users(self._describe, facts)
        trained = np.zeros(len(users), bool)
        descriptors = from_raw(posts.column("descriptor"), self.config.descriptor_dtype)
        ids = self._vocabulary.ids
        fractions = self._statistics.fractions
        for row, hashtags in enumerate(tags_of_posts):
            split = SPLITS[identities.choose_split(columns["draw"][row], **fractions)]
            if not hashtags:
                summary.dropped[ONLY_STOP_TAGS] += 1
                continue
            known = [ids[tag] for tag in hashtags if tag in ids]
            tags, removed = self._thin_out(known, columns["post_digest"][row])
            unknown = len(hashtags) - len(known)
            if split == "train" and not known:
                summary.dropped[NO_KNOWN_TAG] += 1
                continue
            if removed and not tags and (split == "train" or not unknown):
                summary.dropped[NO_TAG_LEFT] += 1
                continue
            counts = summary.splits[split]
            counts["posts"] += 1
            counts["tag_pairs"] += len(tags)
            counts["tag_pairs_removed"] += len(removed)
            counts["out_of_vocabulary"] += unknown
            if split == "train":
                summary.kept_counts[tags] += 1
                trained[row] = True
            yield (
                split,
                records.PostRecord(
                    post_id=columns["post_id"][row],
                    user_id=columns["user_id"][row],
                    descriptor=descriptors[row],
                    user_descriptor=users[row].tolist(),
                    facts={name: values[row] for name, values in facts.items()},
                    location=(facts["latitude"][row], facts["longitude"][row]),
                    tags=tags,
                    tags_removed=removed,
                    out_of_vocabulary=unknown,
                ),
            )
        told = {name: values[trained] for name, values in facts.items()}
        summary.facts.add(SeenFacts.of(self._statistics.facts, users[trained], told))

    def _thin_out(self, ids: list[int], post_digest: bytes) -> tuple[list[int], list[int]]:
        """Of the ids of a post's known tags, those that balancing keeps, and those it takes off.

        A (post, tag) pair is kept with min(1, target / count(tag)). That depends on the post's id,
        the tag and the seed alone, so that it is the same for every number of shards and runner.
        """
        if self.balance_target is None:
            return ids, []
        kept: list[int] = []
        removed: list[int] = []
        for tag_id in ids:
            tag, seed = self._vocabulary.tags[tag_id], self.config.split_seed
            draw = identities.draw_pair(post_digest, tag, seed)
            (kept if draw < self._probabilities[tag_id] else removed).append(tag_id)
        return kept, removed
