"""The two passes of preprocessing, as pipelines.

The first reads and checks the posts, describes their images and stages them in blocks, and finds
out what has to be known of all of them: which ids come twice, and the vocabulary. The second turns
staged blocks into records. Neither images nor descriptors are ever shuffled.
"""

# Beam has type hints for a part of its functions only.
# mypy: allow-untyped-calls

import dataclasses
import json
from collections.abc import Sequence
from pathlib import Path

import apache_beam as beam
import numpy as np
from apache_beam.ml.inference.base import RunInference
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.transforms import combiners

from beam.descriptors import DescriptorModelHandler
from beam.posts import IMAGE, ParsePosts, PostSettings
from beam.progress import report
from beam.runner import run_pipeline
from beam.shards import ShardSettings, ShardSummary, SumSummaries, WriteShard, plan_shards
from beam.sources import InputFile, ReadRows
from beam.staging import StageBlocks, StagedBlock, WriteList
from beam.vocabulary import CountTags, FindDuplicates, WriteVocabulary
from tagkeras import files


@dataclasses.dataclass(frozen=True)
class Staging:
    """The files that the passes leave in a folder that all workers see.

    Attributes:
        folder: for all of them.
    """

    folder: Path

    @property
    def blocks(self) -> Path:
        """The folder of staged blocks."""
        return self.folder / "blocks"

    @property
    def duplicates(self) -> Path:
        """Sorted row keys of posts whose id came before."""
        return self.folder / "duplicates.npy"

    @property
    def vocabulary(self) -> Path:
        """The vocabulary."""
        return self.folder / "vocabulary.tsv"

    def num_staged(self) -> int:
        """Posts read in the blocks that are staged by now."""
        return sum(int(path.stem.rpartition("-")[2]) for path in self.blocks.glob("*.arrow"))


@dataclasses.dataclass(frozen=True, kw_only=True)
class TagLimits:
    """Which tags the vocabulary takes.

    Attributes:
        max_tags: at most so many, the most frequent.
        min_count: training posts that a tag must be on.
        min_users: different people who must have used it.
    """

    max_tags: int
    min_count: int
    min_users: int


def stage_posts(
    inputs: Sequence[InputFile],
    settings: PostSettings,
    limits: TagLimits,
    descriptor_model: Path,
    staging: Staging,
    options: PipelineOptions,
) -> list[StagedBlock]:
    """The first pass.

    Args:
        inputs: files of posts.
        settings: what becomes of a post.
        limits: of the vocabulary.
        descriptor_model: folder; not read for ready descriptors.
        staging: where to.
        options: of Beam.

    Returns:
        The staged blocks, in the order of the input.
    """
    staging.blocks.mkdir(parents=True)
    blocks_file = staging.folder / "blocks.json"

    def build(pipeline: beam.Pipeline) -> None:
        blocks = (
            pipeline
            | "Inputs" >> beam.Create(inputs)
            | "Read" >> ReadRows()
            | "Parse" >> beam.ParDo(ParsePosts(settings))
        )
        if settings.kind == IMAGE:
            sources = [file.path for file in inputs]
            handler = DescriptorModelHandler(
                str(descriptor_model), settings.descriptor_dtype, sources
            )
            blocks |= "Describe" >> RunInference(handler)
        stage = StageBlocks(str(staging.blocks))
        outputs = blocks | "Stage" >> beam.ParDo(stage).with_outputs(StageBlocks.IDS, main="staged")
        duplicates = outputs[StageBlocks.IDS] | "Duplicates" >> FindDuplicates()
        _ = outputs.staged | "Blocks" >> WriteList(blocks_file, dataclasses.asdict)
        _ = (
            duplicates
            | "ListDuplicates" >> combiners.ToList()
            | "WriteDuplicates" >> beam.Map(_write_arrays, staging.duplicates)
        )
        _ = (
            outputs.staged
            | "SpreadBlocks" >> beam.Reshuffle()
            | "CountTags" >> CountTags(str(staging.blocks), duplicates, limits.min_users)
            | "Vocabulary"
            >> WriteVocabulary(
                str(staging.vocabulary),
                max_tags=limits.max_tags,
                min_count=limits.min_count,
                min_users=limits.min_users,
            )
        )

    doing = "describing images" if settings.kind == IMAGE else "reading posts"
    with report(doing, staging.num_staged):
        run_pipeline(build, options)
    staged = json.loads(blocks_file.read_text(encoding="utf-8"))
    return sorted((StagedBlock(**block) for block in staged), key=lambda block: block.name)


def write_records(
    blocks: Sequence[StagedBlock],
    num_tags: int,
    num_shards: int | None,
    settings: ShardSettings,
    staging: Staging,
    options: PipelineOptions,
) -> ShardSummary:
    """The second pass.

    Args:
        blocks: all that were staged.
        num_tags: Y, the size of the vocabulary.
        num_shards: how many shards for each split; None to choose by size.
        settings: how records are written.
        staging: where from.
        options: of Beam.

    Returns:
        What was written.
    """
    plans = plan_shards(blocks, num_shards)
    summary_file = staging.folder / "summary.json"

    def build(pipeline: beam.Pipeline) -> None:
        _ = (
            pipeline
            | "Plans" >> beam.Create(plans)
            | "SpreadPlans" >> beam.Reshuffle()
            | "WriteShards" >> beam.ParDo(WriteShard(settings))
            | "SumSummaries" >> beam.CombineGlobally(SumSummaries(num_tags))
            | "WriteSummary" >> beam.Map(ShardSummary.save, str(summary_file))
        )

    posts_of_block = {block.name: sum(block.posts) for block in blocks}
    posts_of_plan = {
        f"{plan.index:05d}": sum(posts_of_block[name] // step for name, _, step in plan.parts)
        for plan in plans
    }

    def count_written() -> int:
        shards = {path.stem for path in Path(settings.output).glob("*/*.tfrecord")}
        return sum(posts_of_plan[shard] for shard in shards if shard in posts_of_plan)

    with report("writing records", count_written):
        run_pipeline(build, options)
    return ShardSummary.load(summary_file)


def _write_arrays(arrays: list[np.ndarray], path: Path) -> None:
    with files.written_aside(path) as aside, aside.open("wb") as stream:
        np.save(stream, np.sort(np.concatenate([np.zeros(0, np.int64), *arrays])))
