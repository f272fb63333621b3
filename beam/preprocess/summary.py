"""What was written of a dataset."""

import dataclasses
import json
from collections import Counter
from collections.abc import Iterable

import apache_beam as beam
import numpy as np

from tagkeras.data.manifest import SPLIT_COUNTS, SPLITS


@dataclasses.dataclass
class ShardSummary:
    """What was written of a shard.

    Attributes:
        splits: for each split what `SPLIT_COUNTS` names.
        dropped: posts by rule.
        kept_counts: int64 [Y], training pairs of each tag that were kept.
    """

    splits: dict[str, Counter[str]]
    dropped: Counter[str]
    kept_counts: np.ndarray

    @classmethod
    def empty(cls, num_tags: int) -> "ShardSummary":
        """The summary of nothing."""
        splits = {split: Counter(dict.fromkeys(SPLIT_COUNTS, 0)) for split in SPLITS}
        return cls(splits, Counter(), np.zeros(num_tags, np.int64))

    def add(self, other: "ShardSummary") -> None:
        """Takes in another summary."""
        for split, counts in other.splits.items():
            self.splits[split].update(counts)
        self.dropped.update(other.dropped)
        self.kept_counts += other.kept_counts

    def to_json(self) -> str:
        """The summary as a text."""
        return json.dumps({**vars(self), "kept_counts": self.kept_counts.tolist()})

    @classmethod
    def from_json(cls, text: str) -> "ShardSummary":
        """The summary that `to_json` gave the text of."""
        values = json.loads(text)
        splits = {split: Counter(counts) for split, counts in values["splits"].items()}
        kept = np.array(values["kept_counts"], np.int64)
        return cls(splits, Counter(values["dropped"]), kept)


class SumSummaries(beam.CombineFn):
    """Adds `ShardSummary`s up; gives the JSON of the sum."""

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

    def extract_output(self, accumulator: ShardSummary) -> str:
        """The sum, as JSON."""
        return accumulator.to_json()
