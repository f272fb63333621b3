"""How many posts are rejected, and whether that is too many."""

from collections import Counter
from collections.abc import Sequence

from beam.posts.parse import OTHER_KIND
from beam.staging.duplicates import DUPLICATE
from beam.staging.stage_blocks import StagedBlock
from tagkeras.cli.errors import UserError


def count_rejected(blocks: Sequence[StagedBlock], num_duplicates: int) -> Counter[str]:
    """Rejected posts by reason."""
    rejected = sum((Counter(block.rejected) for block in blocks), Counter[str]())
    if num_duplicates:
        rejected[DUPLICATE] += num_duplicates
    return rejected


def check_rejected(blocks: Sequence[StagedBlock], num_duplicates: int, limit: float) -> None:
    """Makes sure that the posts are worth going on with.

    Raises:
        UserError: too many are rejected, all are, or some are of the other kind.
    """
    rejected = count_rejected(blocks, num_duplicates)
    posts_read = sum(block.posts_read for block in blocks)
    examples = {r: text for block in reversed(blocks) for r, text in block.examples.items()}
    if rejected[OTHER_KIND]:
        raise UserError(
            f"some posts have images and some descriptors: preprocess them apart; the first of"
            f" {rejected[OTHER_KIND]:,}: {examples[OTHER_KIND]}"
        )
    if not rejected:
        return
    most = max(rejected, key=lambda reason: rejected[reason])
    most_often = f"most often {most}: {examples.get(most, 'an id came before')}"
    if rejected.total() == posts_read:
        raise UserError(f"all {posts_read:,} posts are rejected, {most_often}")
    if rejected.total() > limit * posts_read:
        raise UserError(
            f"{rejected.total():,} of {posts_read:,} posts are rejected, more than"
            f" --max_rejected_fraction={limit}, {most_often}"
        )
