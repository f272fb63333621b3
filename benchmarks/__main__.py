"""Runs the benchmarks that docs/benchmarks.md reports; prints a line of JSON for each.

make bench          # or: python -m benchmarks
"""

import subprocess
import sys

BENCHMARKS = (
    "benchmarks.step",
    "benchmarks.stream",
    "benchmarks.vocabulary",
    "benchmarks.evaluation",
    "benchmarks.ranking",
    "benchmarks.chain",
    "benchmarks.images",
    "benchmarks.ready_posts",
    "benchmarks.light_posts",
    "benchmarks.serving",
    "benchmarks.index",
)


def main() -> None:
    """Runs them one after the other, each in a process of its own."""
    for benchmark in BENCHMARKS:
        subprocess.run([sys.executable, "-m", benchmark], check=True)


if __name__ == "__main__":
    main()
