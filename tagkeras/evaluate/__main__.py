"""Ranks hashtags for the posts of a split and scores the rankings.

    python -m tagkeras.evaluate --workdir=WORKDIR --data=DATASET --output=DIR

Writes to DIR `metrics.json` (all metrics with intervals, those of baselines, and of groups of
people), `predictions.parquet`, `posts.parquet` (what was hit, post by post) and `tags.parquet` (the
metrics of each tag), and prints tables. docs/metrics.md defines every number.
"""

import sys

from tagkeras.cli.commandline import run
from tagkeras.evaluate.config import Config


def main(config: Config) -> None:
    """Evaluates, prints the tables and says what was written."""
    from tagkeras.evaluate.evaluate import FILES, evaluate
    from tagkeras.evaluate.tables import find_shortfalls, print_tables

    metrics = evaluate(config)
    print_tables(metrics)
    for line in find_shortfalls(metrics):
        print(line, file=sys.stderr)
    print(f"wrote {', '.join(f'{config.output}/{name}' for name in FILES)}")


if __name__ == "__main__":
    run(main, Config)
