"""What was written of a dataset."""

import dataclasses
import json
from collections import Counter
from collections.abc import Iterable

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


def add_up(summaries: Iterable[ShardSummary]) -> ShardSummary:
    """The sum of some summaries, of one vocabulary; at least one."""
    first, *others = summaries
    splits = {split: Counter(counts) for split, counts in first.splits.items()}
    total = ShardSummary(splits, Counter(first.dropped), first.kept_counts.copy())
    for summary in others:
        for split, counts in summary.splits.items():
            total.splits[split].update(counts)
        total.dropped.update(summary.dropped)
        total.kept_counts += summary.kept_counts
    return total
