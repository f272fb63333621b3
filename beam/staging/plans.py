"""What goes into which output file: staged blocks spread over shards."""

import dataclasses
import math
from collections.abc import Sequence

from beam.staging.stage_blocks import StagedBlock

# Shards of an output that does not say: some, to be mixed in training, and none too large.
MIN_SHARDS = 8
SHARD_BYTES = 128 * 2**20


@dataclasses.dataclass(frozen=True)
class ShardPlan:
    """What goes into one shard.

    Attributes:
        index: of the shard.
        parts: names of staged blocks, each with the first row to take and the step to the next.
        with_rejected: the blocks whose rejected rows are this shard's.
    """

    index: int
    parts: list[tuple[str, int, int]]
    with_rejected: frozenset[str] = frozenset()

    @property
    def name(self) -> str:
        """The shard's file name, without suffix."""
        return f"{self.index:05d}"


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
    with_rejected = {block.name for block in blocks if block.rejected}
    plans = []
    for index in range(num_shards):
        mine = parts[index::num_shards]
        first_parts = {name for name, first, _ in mine if first == 0}
        plans.append(ShardPlan(index, mine, frozenset(first_parts & with_rejected)))
    return plans
