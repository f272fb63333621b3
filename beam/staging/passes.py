"""The two passes that all pipelines over posts are made of.

The first reads and checks the posts, describes their images, stages them in blocks, and finds out
which ids come twice. The second turns staged blocks into shards of the output. Neither images nor
descriptors are ever shuffled: what a shard holds is planned between the passes.
"""

import dataclasses
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import apache_beam as beam
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.pvalue import PCollection
from apache_beam.transforms import combiners

from beam.posts.files import read_files
from beam.posts.parse import IMAGE, OTHER_COUNTRY, OTHER_KIND, ParsePosts
from beam.posts.rows import (
    BLOCK_ROWS,
    IMAGE_BLOCK_ROWS,
    IMAGE_RANGE_BYTES,
    RANGE_BYTES,
    InputFile,
)
from beam.running import storage
from beam.running.runner import run_pipeline
from beam.staging.duplicates import DUPLICATE, duplicates_of_ids
from beam.staging.shards import plan_shards
from beam.staging.staging_folder import StageBlocks, StagedBlock, StagingFolder
from tagkeras.cli.errors import UserError
from tagkeras.cli.progress import polled_progress


@dataclasses.dataclass(frozen=True)
class StagedPosts:
    """What is known of all posts after the first pass.

    Attributes:
        blocks: in the order of the input.
        num_duplicates: posts whose id came before.
    """

    blocks: list[StagedBlock]
    num_duplicates: int

    @property
    def posts_read(self) -> int:
        """Rows of the input."""
        return sum(block.posts_read for block in self.blocks)

    @property
    def rejected(self) -> dict[str, int]:
        """Rejected posts by reason."""
        rejected = sum((Counter(block.rejected) for block in self.blocks), Counter[str]())
        if self.num_duplicates:
            rejected[DUPLICATE] += self.num_duplicates
        return dict(sorted(rejected.items()))

    @property
    def dropped(self) -> Counter[str]:
        """Posts dropped by the first pass, by rule."""
        dropped = sum(block.dropped for block in self.blocks)
        return Counter({OTHER_COUNTRY: dropped} if dropped else {})

    def check_rejected(self, limit: float) -> None:
        """Makes sure that the posts are worth going on with: of which a part may be rejected.

        Raises:
            UserError: more are rejected, all are, or some are of the other kind.
        """
        rejected, posts_read = self.rejected, self.posts_read
        if not rejected:
            return
        examples = {r: text for b in reversed(self.blocks) for r, text in b.examples.items()}
        if OTHER_KIND in rejected:
            raise UserError(
                f"some posts have images and some descriptors: preprocess them apart; the first of"
                f" {rejected[OTHER_KIND]:,}: {examples[OTHER_KIND]}"
            )
        total, most = sum(rejected.values()), max(rejected, key=lambda reason: rejected[reason])
        most_often = f"most often {most}: {examples.get(most, 'an id came before')}"
        if total == posts_read:
            raise UserError(f"all {posts_read:,} posts are rejected, {most_often}")
        if total > limit * posts_read:
            raise UserError(
                f"{total:,} of {posts_read:,} posts are rejected, more than"
                f" --max_rejected_fraction={limit}, {most_often}"
            )


def stage_posts(
    inputs: Sequence[InputFile],
    parse: ParsePosts,
    describe: beam.PTransform[Any, Any] | None,
    staging: StagingFolder,
    options: PipelineOptions,
    *,
    doing: str,
    also: Callable[[PCollection[Any], PCollection[Any]], object] | None = None,
) -> StagedPosts:
    """Runs the first pass, of which the progress says what it is `doing`.

    What `describe` is, if anything, becomes of each `PostBlock` before it is staged. `also` is
    applied, in the same pipeline, to a `StagedBlock` of each block and to the row keys of
    duplicates, one sorted array.

    Raises:
        UserError: an input cannot be read, or workers and launcher share no folder.
    """
    storage.make_folder(staging.blocks)
    read = read_files(BLOCK_ROWS, RANGE_BYTES)
    if parse.kind == IMAGE:
        read = read_files(IMAGE_BLOCK_ROWS, IMAGE_RANGE_BYTES)

    def build(pipeline: beam.Pipeline) -> None:
        blocks = (
            pipeline
            | "Inputs" >> beam.Create(inputs)
            | "Read" >> read
            | "Parse" >> beam.ParDo(parse)
        )
        if describe is not None:
            blocks |= "Describe" >> describe
        stage = beam.ParDo(StageBlocks(staging)).with_outputs(StageBlocks.IDS, main="staged")
        outputs = blocks | "Stage" >> stage
        duplicates = outputs[StageBlocks.IDS] | "Duplicates" >> duplicates_of_ids()
        listed = outputs.staged | "ListBlocks" >> combiners.ToList()
        _ = listed | "WriteBlocks" >> beam.Map(staging.save_blocks)
        _ = duplicates | "WriteDuplicates" >> beam.Map(staging.save_duplicates)
        if also is not None:
            also(outputs.staged, duplicates)

    with polled_progress(doing, staging.count_staged, None, "posts"):
        run_pipeline(build, options)
    if not storage.exists(staging.block_list):
        raise UserError(
            f"{staging.path}: the workers wrote it to disks of their own: give --output a folder"
            " that the launcher and all workers share, or a URI such as gs://bucket/folder"
        )
    return StagedPosts(staging.load_blocks(), len(staging.load_duplicates()))


def write_shards(
    staged: StagedPosts,
    num_shards: int | None,
    write: beam.DoFn,
    staging: StagingFolder,
    options: PipelineOptions,
    *,
    output: str,
    add_up: Callable[[Iterable[Any]], Any],
    to_json: Callable[[Any], str],
) -> str:
    """Runs the second pass; gives the text of the sum of all summaries.

    `write` makes of a `ShardPlan` files of its name, which the glob `output` finds, and a summary.
    `num_shards` of None is chosen by size.
    """
    plans = plan_shards(staged.blocks, num_shards)
    posts_of_block = {block.name: block.num_posts for block in staged.blocks}
    posts_of_plan = {
        plan.name: sum(posts_of_block[name] // step for name, _, step in plan.parts)
        for plan in plans
    }

    def build(pipeline: beam.Pipeline) -> None:
        _ = (
            pipeline
            | "Plans" >> beam.Create(plans)
            | "SpreadPlans" >> beam.Reshuffle()
            | "WriteShards" >> beam.ParDo(write)
            | "AddUp" >> beam.CombineGlobally(add_up).without_defaults()
            | "WriteSummary"
            >> beam.Map(lambda total: storage.write_text(staging.summary, to_json(total)))
        )

    def count_written() -> int:
        shards = {Path(file.path).stem for file in storage.match(output)}
        return sum(posts_of_plan.get(shard, 0) for shard in shards)

    with polled_progress("writing", count_written, sum(posts_of_block.values()), "posts"):
        run_pipeline(build, options)
    return storage.read_text(staging.summary)


def describe_losses(title: str, counts: dict[str, int]) -> str:
    """A line of what became of posts that were not written; empty if there are none."""
    if not counts:
        return ""
    reasons = ", ".join(f"{reason} {count:,}" for reason, count in counts.items())
    return f"{sum(counts.values()):,} posts {title}: {reasons}"
