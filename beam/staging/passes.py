"""The two passes that all pipelines over posts are made of.

The first reads and checks the posts, describes their images, stages them in blocks, and finds out
which ids come twice. The second turns staged blocks into shards of the output. Neither images nor
descriptors are ever shuffled: what a shard holds is planned between the passes.
"""

# Beam has type hints for a part of its functions only.
# mypy: allow-untyped-calls

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import apache_beam as beam
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.pvalue import PCollection
from apache_beam.transforms import combiners

from beam.posts.files import ReadRows
from beam.posts.lines import IMAGE_RANGE_BYTES
from beam.posts.parse import IMAGE, ParsePosts
from beam.posts.rows import BLOCK_ROWS, IMAGE_BLOCK_ROWS, InputFile
from beam.running import storage
from beam.running.progress import report
from beam.running.runner import run_pipeline
from beam.staging.duplicates import FindDuplicates
from beam.staging.plans import ShardPlan
from beam.staging.stage_blocks import StageBlocks, StagedBlock
from beam.staging.staging_folder import StagingFolder
from tagkeras.cli.errors import UserError


class StagePosts(beam.PTransform[Any, Any]):
    """Stages the posts of `InputFile`s.

    Gives `staged`, a `StagedBlock` for each block, and `duplicates`, int64 arrays of row keys.

    Args:
        parse: checks posts.
        describe: what else becomes of a `PostBlock`; None for nothing.
        staging: where to.
    """

    def __init__(
        self,
        parse: ParsePosts,
        describe: beam.PTransform[Any, Any] | None,
        staging: StagingFolder,
    ) -> None:
        super().__init__()
        self._parse = parse
        self._describe = describe
        self._staging = staging

    def expand(self, inputs: PCollection[Any]) -> Any:
        """Applies the transform."""
        staging = self._staging
        read = ReadRows(BLOCK_ROWS)
        if self._parse.kind == IMAGE:
            read = ReadRows(IMAGE_BLOCK_ROWS, IMAGE_RANGE_BYTES)
        blocks = inputs | "Read" >> read | "Parse" >> beam.ParDo(self._parse)
        if self._describe is not None:
            blocks |= "Describe" >> self._describe
        stage = StageBlocks(staging.blocks)
        outputs = blocks | "Stage" >> beam.ParDo(stage).with_outputs(StageBlocks.IDS, main="staged")
        duplicates = outputs[StageBlocks.IDS] | "Duplicates" >> FindDuplicates()
        _ = (
            outputs.staged
            | "ListBlocks" >> combiners.ToList()
            | "WriteBlocks" >> beam.Map(staging.save_blocks)
        )
        _ = (
            duplicates
            | "ListDuplicates" >> combiners.ToList()
            | "WriteDuplicates" >> beam.Map(staging.save_duplicates)
        )
        return {"staged": outputs.staged, "duplicates": duplicates}


def stage_posts(
    inputs: Sequence[InputFile],
    stage: StagePosts,
    staging: StagingFolder,
    options: PipelineOptions,
    *,
    doing: str,
    also: Callable[[dict[str, PCollection[Any]]], object] | None = None,
) -> list[StagedBlock]:
    """Runs the first pass.

    Args:
        inputs: files of posts.
        stage: what becomes of them.
        staging: where `stage` writes to.
        options: of Beam.
        doing: what goes on, for the progress.
        also: applied to what `stage` gives, in the same pipeline.

    Returns:
        The staged blocks, in the order of the input.

    Raises:
        UserError: an input cannot be read, or workers and launcher share no folder.
    """
    storage.make_folder(staging.blocks)

    def build(pipeline: beam.Pipeline) -> None:
        outputs = pipeline | "Inputs" >> beam.Create(inputs) | "Posts" >> stage
        if also is not None:
            also(outputs)

    with report(doing, staging.count_staged):
        run_pipeline(build, options)
    if not storage.exists(staging.block_list):
        raise UserError(
            f"{staging.path}: the workers wrote it to disks of their own: give --output a folder"
            " that the launcher and all workers share, or a URI such as gs://bucket/folder"
        )
    return staging.load_blocks()


def write_shards(
    blocks: Sequence[StagedBlock],
    plans: Sequence[ShardPlan],
    write: beam.DoFn,
    sum_up: beam.CombineFn,
    staging: StagingFolder,
    options: PipelineOptions,
    *,
    output: str,
) -> str:
    """Runs the second pass.

    Args:
        blocks: all that were staged.
        plans: of all shards.
        write: writes the shard of a `ShardPlan`; gives a summary of it.
        sum_up: adds summaries up to one, as a text.
        staging: where from.
        options: of Beam.
        output: glob of the files that `write` makes, named after their plans.

    Returns:
        The sum of all summaries.
    """
    posts_of_block = {block.name: block.num_posts for block in blocks}
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
            | "SumSummaries" >> beam.CombineGlobally(sum_up)
            | "WriteSummary" >> beam.Map(lambda text: storage.write_text(staging.summary, text))
        )

    def count_written() -> int:
        shards = {Path(file.path).stem for file in storage.match(output)}
        return sum(posts_of_plan.get(shard, 0) for shard in shards)

    with report("writing", count_written, total=sum(posts_of_block.values())):
        run_pipeline(build, options)
    return storage.read_text(staging.summary)
