"""Prints what is in a dataset of `beam.preprocess`, and verifies every record and count of it.

    python -m beam.inspect DATASET

DATASET is a folder or a URI; options of Apache Beam's file systems, such as --s3_endpoint_url, are
taken too. Exit status 0: the dataset is as its manifest says. 1: standard error names each problem.
"""

import dataclasses
import os
import sys

from tagkeras.cli.commandline import option, run
from tagkeras.cli.errors import UserError


@dataclasses.dataclass(frozen=True, kw_only=True)
class Config:
    """What to inspect, and how much of it to show."""

    data: str = option(help="dataset that beam.preprocess wrote, a folder or URI", positional=True)
    tags: int = option(20, help="hashtags to show, the most frequent", minimum=0)
    posts: int = option(3, help="posts to show", minimum=0)


def main(config: Config, beam_arguments: list[str]) -> None:
    """Prints a dataset and says whether it is sound; a `UserError` if it is not, or not there."""
    # TensorFlow reads this when it is imported, and would log bad records in its own words.
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "2"
    from beam.inspect.checks import inspect
    from beam.inspect.report import print_report
    from beam.running.runner import parse_options

    parse_options(beam_arguments)
    scan, vocabulary, problems = inspect(config.data, config.posts)
    print_report(scan, vocabulary, config.tags, config.posts)
    if problems:
        sys.stdout.flush()
        print(*problems, sep="\n", file=sys.stderr)
        raise UserError(f"{config.data}: {len(problems):,} problems, see above")
    print(f"verified: {scan.num_posts:,} posts, no problems")


if __name__ == "__main__":
    run(main, Config, pass_unknown=True)
