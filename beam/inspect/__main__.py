"""Prints what is in a dataset of `beam.preprocess`, and verifies every record and count of it.

    python -m beam.inspect DATASET

DATASET is a folder or a URI; options of Apache Beam's file systems, such as --s3_endpoint_url, are
taken too. Exit status 0: the dataset is as its manifest says. 1: standard error names each problem.
"""

import dataclasses
import os
import sys

# TensorFlow, which reads this as it is imported, would log bad records in words of its own.
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "2"

from beam.inspect.companions import check_descriptor_model, check_rejected, load_vocabulary
from beam.inspect.comparison import compare_counts, compare_vocabulary
from beam.inspect.load_manifest import load_manifest
from beam.inspect.report import Report
from beam.inspect.scan import Scan
from beam.running.runner import parse_options
from tagkeras.cli.commandline import option, run
from tagkeras.cli.errors import UserError
from tagkeras.data.manifest import Manifest
from tagkeras.data.vocabulary import Vocabulary


@dataclasses.dataclass(frozen=True, kw_only=True)
class Config:
    """The options of this command."""

    data: str = option(help="dataset that beam.preprocess wrote, a folder or URI", positional=True)
    tags: int = option(20, help="hashtags to show, the most frequent", minimum=0)
    posts: int = option(3, help="posts to show", minimum=0)


@dataclasses.dataclass(frozen=True)
class Inspection:
    """A dataset that was read.

    Attributes:
        manifest: of the dataset.
        vocabulary: None if it cannot be read.
        scan: of the shards.
        problems: all that were found, a line each.
    """

    manifest: Manifest
    vocabulary: Vocabulary | None
    scan: Scan
    problems: list[str]


def inspect(dataset: str, num_samples: int) -> Inspection:
    """Reads all of a dataset and verifies it.

    Args:
        dataset: folder, local or a URI.
        num_samples: posts to keep of each split, at most.

    Raises:
        UserError: there is no dataset, or its manifest cannot be read.
    """
    manifest = load_manifest(dataset)
    problems: list[str] = []
    vocabulary = load_vocabulary(dataset, problems)
    scan = Scan(dataset, manifest, num_samples)
    scan.run()
    problems += scan.problems
    problems += compare_counts(dataset, manifest, scan)
    if vocabulary is not None:
        problems += compare_vocabulary(dataset, manifest, vocabulary, scan)
    problems += check_rejected(dataset, manifest)
    problems += check_descriptor_model(dataset, manifest)
    return Inspection(manifest, vocabulary, scan, problems)


def main(config: Config, beam_arguments: list[str]) -> None:
    """Inspects, prints the dataset and says whether it is whole.

    Args:
        config: what to inspect and how much to show.
        beam_arguments: options of Beam's file systems.

    Raises:
        UserError: there is no dataset, or it has problems.
    """
    parse_options(beam_arguments)
    found = inspect(config.data, config.posts)
    report = Report(found.manifest, found.vocabulary, found.scan)
    report.print(config.tags, config.posts)
    if found.problems:
        sys.stdout.flush()
        print(*found.problems, sep="\n", file=sys.stderr)
        raise UserError(f"{config.data}: {len(found.problems):,} problems, see above")
    print(f"verified: {found.scan.num_posts:,} posts, no problems")


if __name__ == "__main__":
    run(main, Config, pass_unknown=True)
