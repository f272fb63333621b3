"""From staged blocks to the TFRecord shards of a dataset."""

import contextlib
import dataclasses
import json
import math
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import apache_beam as beam
import numpy as np
import pyarrow as pa
import tensorflow as tf

from beam import identities
from beam.blocks import name_place, read_staged, rejected_path, rejection
from beam.staging import StagedBlock
from beam.vocabulary import is_among
from tagkeras import files
from tagkeras.data import records
from tagkeras.data.manifest import SPLITS
from tagkeras.data.posts import PostError
from tagkeras.data.vocabulary import Vocabulary

DUPLICATE = "duplicate_post_id"
NO_KNOWN_TAG = "train_post_without_known_tag"
NO_TAG_LEFT = "no_tag_left_by_balancing"

_SPLIT_COUNTS = ("posts", "shards", "tag_pairs", "tag_pairs_removed", "out_of_vocabulary")

# Shards of a dataset that does not say: some, to be mixed in training, and none too large.
MIN_SHARDS = 8
SHARD_BYTES = 128 * 2**20


@dataclasses.dataclass(frozen=True)
class ShardPlan:
    """What goes into one shard of each split.

    Attributes:
        index: of the shard.
        parts: names of staged blocks, each with the first row to take and the step to the next.
    """

    index: int
    parts: list[tuple[str, int, int]]


@dataclasses.dataclass(frozen=True, kw_only=True)
class ShardSettings:
    """How records are written.

    Attributes:
        output: folder of the dataset.
        staged: folder of the staged blocks.
        vocabulary: path of the file.
        duplicates: path of the sorted int64 array of row keys.
        descriptor_dtype: of the staged descriptors.
        sources: paths of the input files.
        balance_target: posts that a tag is thinned out to; None for the natural distribution.
        balance_seed: of the choice of pairs.
    """

    output: str
    staged: str
    vocabulary: str
    duplicates: str
    descriptor_dtype: str
    sources: tuple[str, ...]
    balance_target: float | None
    balance_seed: int


@dataclasses.dataclass
class ShardSummary:
    """What was written of a shard.

    Attributes:
        splits: for each split `posts`, `shards`, `tag_pairs`, `tag_pairs_removed` and
            `out_of_vocabulary`.
        dropped: posts by rule.
        duplicates: posts rejected here.
        kept_counts: int64 [Y], training pairs of each tag that were kept.
    """

    splits: dict[str, Counter[str]]
    dropped: Counter[str]
    duplicates: int
    kept_counts: np.ndarray

    @classmethod
    def empty(cls, num_tags: int) -> "ShardSummary":
        """The summary of nothing."""
        splits = {split: Counter(dict.fromkeys(_SPLIT_COUNTS, 0)) for split in SPLITS}
        return cls(splits, Counter(), 0, np.zeros(num_tags, np.int64))

    def add(self, other: "ShardSummary") -> None:
        """Takes in another summary."""
        for split, counts in other.splits.items():
            self.splits[split].update(counts)
        self.dropped.update(other.dropped)
        self.duplicates += other.duplicates
        self.kept_counts += other.kept_counts

    def save(self, path: str) -> None:
        """Writes the summary to a JSON file."""
        values = {**vars(self), "kept_counts": self.kept_counts.tolist()}
        files.write_text(path, json.dumps(values))

    @classmethod
    def load(cls, path: Path) -> "ShardSummary":
        """Reads what `save` wrote."""
        values = json.loads(path.read_text(encoding="utf-8"))
        splits = {split: Counter(counts) for split, counts in values["splits"].items()}
        kept = np.array(values["kept_counts"], np.int64)
        return cls(splits, Counter(values["dropped"]), values["duplicates"], kept)


def plan_shards(blocks: Sequence[StagedBlock], num_shards: int | None) -> list[ShardPlan]:
    """Spreads blocks over shards, the same whatever the runner; no post is moved to do so.

    Args:
        blocks: all that were staged.
        num_shards: how many; None to choose by size.
    """
    names = sorted(block.name for block in blocks)
    if num_shards is None:
        size = sum(block.size for block in blocks)
        num_shards = min(len(names), max(MIN_SHARDS, math.ceil(size / SHARD_BYTES)))
    step = math.ceil(num_shards / max(len(names), 1))
    parts = [(name, first, step) for name in names for first in range(step)]
    return [ShardPlan(index, parts[index::num_shards]) for index in range(num_shards)]


class SumSummaries(beam.CombineFn):
    """Adds `ShardSummary`s up."""

    def __init__(self, num_tags: int) -> None:
        self._num_tags = num_tags

    def create_accumulator(self) -> ShardSummary:
        """The summary of nothing."""
        return ShardSummary.empty(self._num_tags)

    def add_input(self, accumulator: ShardSummary, element: ShardSummary) -> ShardSummary:
        """Takes in one summary."""
        accumulator.add(element)
        return accumulator

    def merge_accumulators(self, accumulators: Iterable[ShardSummary]) -> ShardSummary:
        """Takes in several summaries."""
        total = self.create_accumulator()
        for accumulator in accumulators:
            total.add(accumulator)
        return total

    def extract_output(self, accumulator: ShardSummary) -> ShardSummary:
        """The sum."""
        return accumulator


class WriteShard(beam.DoFn):
    """Writes the shard of a `ShardPlan` for each split; gives its `ShardSummary`."""

    def __init__(self, settings: ShardSettings) -> None:
        self._settings = settings

    def setup(self) -> None:
        """Reads what the first pass found out."""
        settings = self._settings
        self._vocabulary = Vocabulary.load(settings.vocabulary)
        self._duplicates = np.load(settings.duplicates)
        self._keep_probability = None
        if settings.balance_target is not None:
            counts = self._vocabulary.counts
            self._keep_probability = np.minimum(1.0, settings.balance_target / counts).tolist()

    def process(self, plan: ShardPlan) -> Iterator[ShardSummary]:
        """One plan, at most one file for each split and one of rejected posts."""
        summary = ShardSummary.empty(len(self._vocabulary))
        output, name = Path(self._settings.output), f"{plan.index:05d}"
        with (
            _RecordFiles({split: output / split / f"{name}.tfrecord" for split in SPLITS}) as out,
            _LazyText(output / "rejected" / f"{name}.jsonl") as rejected,
        ):
            for block, first, step in plan.parts:
                if first == 0:
                    with contextlib.suppress(FileNotFoundError):
                        path = rejected_path(Path(self._settings.staged), block)
                        rejected.write(path.read_text(encoding="utf-8"))
                self._write_block(block, first, step, out, rejected, summary)
        for split in SPLITS:
            summary.splits[split]["shards"] = int(summary.splits[split]["posts"] > 0)
        yield summary

    def _write_block(
        self,
        block: str,
        first: int,
        step: int,
        out: "_RecordFiles",
        rejected: "_LazyText",
        summary: ShardSummary,
    ) -> None:
        posts = read_staged(Path(self._settings.staged), block)
        is_duplicate = is_among(posts.column("row_key").to_numpy(), self._duplicates)
        mine = np.arange(posts.num_rows) % step == first
        for post in posts.filter(is_duplicate & mine).select(["post_id", "row_key"]).to_pylist():
            rejected.write(self._describe_duplicate(post))
            summary.duplicates += 1
        posts = posts.filter(~is_duplicate & mine)
        if not posts.num_rows:
            return
        for split, record in self._make_records(posts, summary):
            out.write(split, records.encode(record, self._settings.descriptor_dtype))

    def _make_records(
        self, posts: pa.Table, summary: ShardSummary
    ) -> Iterator[tuple[str, records.PostRecord]]:
        """The records of the posts that are not dropped, each with its split."""
        columns = {
            name: posts.column(name).to_pylist()
            for name in ("post_id", "post_digest", "user_id", "split", "age", "gender", "country")
        }
        tags_of_posts = posts.column("hashtags").to_pylist()
        users = _to_matrix(posts.column("user_descriptor"))
        locations = _to_matrix(posts.column("location")).tolist()
        dtype = np.dtype(self._settings.descriptor_dtype).newbyteorder("<")
        raw = b"".join(posts.column("descriptor").to_pylist())
        descriptors = np.frombuffer(raw, dtype).reshape(len(tags_of_posts), -1)
        ids = self._vocabulary.ids
        for row, hashtags in enumerate(tags_of_posts):
            split = SPLITS[columns["split"][row]]
            known = [ids[tag] for tag in hashtags if tag in ids]
            tags, removed = self._balance(known, columns["post_digest"][row])
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
            yield (
                split,
                records.PostRecord(
                    post_id=columns["post_id"][row],
                    user_id=columns["user_id"][row],
                    descriptor=descriptors[row],
                    user_descriptor=users[row],
                    age=columns["age"][row],
                    gender=columns["gender"][row],
                    country=columns["country"][row],
                    location=locations[row],
                    tags=tags,
                    tags_removed=removed,
                    out_of_vocabulary=unknown,
                ),
            )

    def _balance(self, ids: list[int], post_digest: bytes) -> tuple[list[int], list[int]]:
        """The ids to keep and those to take off."""
        if self._keep_probability is None:
            return ids, []
        kept: list[int] = []
        removed: list[int] = []
        for tag_id in ids:
            tag = self._vocabulary.tags[tag_id]
            draw = identities.draw_pair(post_digest, tag, self._settings.balance_seed)
            (kept if draw < self._keep_probability[tag_id] else removed).append(tag_id)
        return kept, removed

    def _describe_duplicate(self, post: dict[str, Any]) -> str:
        place = name_place(post["row_key"], self._settings.sources)
        row = rejection(
            post["post_id"], PostError(DUPLICATE, "post_id: an earlier post has it"), place
        )
        return json.dumps(row, ensure_ascii=False) + "\n"


class _RecordFiles:
    """A TFRecord file for each split, made when its first record comes, in one step."""

    def __init__(self, paths: dict[str, Path]) -> None:
        self._paths = paths
        self._stack = contextlib.ExitStack()
        self._writers: dict[str, tf.io.TFRecordWriter] = {}

    def __enter__(self) -> "_RecordFiles":
        self._stack.__enter__()
        return self

    def __exit__(self, *error: Any) -> None:
        self._stack.__exit__(*error)

    def write(self, split: str, record: bytes) -> None:
        """Appends a record."""
        if split not in self._writers:
            aside = self._stack.enter_context(files.written_aside(self._paths[split]))
            writer = self._stack.enter_context(tf.io.TFRecordWriter(str(aside)))
            self._writers[split] = writer
        self._writers[split].write(record)


class _LazyText:
    """A text file, made when the first text comes, in one step."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._texts: list[str] = []

    def __enter__(self) -> "_LazyText":
        return self

    def __exit__(self, error: Any, *_: object) -> None:
        if self._texts and error is None:
            files.write_text(self._path, "".join(self._texts))

    def write(self, text: str) -> None:
        """Appends a text."""
        self._texts.append(text)


def _to_matrix(column: pa.ChunkedArray) -> np.ndarray:
    """A column of equally long lists as a matrix."""
    return column.combine_chunks().flatten().to_numpy().reshape(len(column), -1)
