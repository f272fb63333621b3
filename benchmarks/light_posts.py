"""Times beam.preprocess on many posts of light metadata: ids, hashtags, counts.

    python -m benchmarks.light_posts --posts=1000000 --tags=200000

In process, a tenth of the posts and all of them, both with every tag on some post, so that what
grows is the posts alone. Prints one JSON object.
"""

import dataclasses
import json
import os
import tempfile
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.processes import run_module
from tagkeras.cli.commandline import option, run

TAGS_PER_POST = 3
CHUNK = 50_000


@dataclasses.dataclass(frozen=True, kw_only=True)
class Config:
    """The options of this command."""

    posts: int = option(1_000_000, help="number of posts", minimum=1000)
    tags: int = option(200_000, help="number of distinct hashtags", minimum=1)


def main(config: Config) -> None:
    """Times and prints."""
    result = {"benchmark": "light_posts", "cores": os.cpu_count(), **dataclasses.asdict(config)}
    usages = {}
    with tempfile.TemporaryDirectory() as name:
        for count in (config.posts // 10, config.posts):
            source = Path(name) / f"{count}.parquet"
            _write_posts(source, count, config.tags)
            usages[count] = run_module(
                "beam.preprocess",
                input=source,
                output=Path(name) / "dataset",
                max_tags=config.tags,
                test_fraction=0,
                validation_fraction=0,
            )
            result[f"{count} posts"] = usages[count]._asdict()
    few, many = usages.values()
    more = config.posts - config.posts // 10
    result["more bytes a post"] = round((many.peak_mib - few.peak_mib) * 2**20 / more, 1)
    result["more seconds a million posts"] = round((many.seconds - few.seconds) * 1e6 / more, 1)
    print(json.dumps(result))


def _write_posts(path: Path, count: int, num_tags: int) -> None:
    rng = np.random.default_rng(0)
    # All tags once, the rest Zipf-popular.
    some = rng.permutation(num_tags)[: count * TAGS_PER_POST]
    rest = rng.zipf(1.2, count * TAGS_PER_POST - len(some)) % num_tags
    tags = rng.permutation(np.concatenate([some, rest])).reshape(count, TAGS_PER_POST)
    writer: pq.ParquetWriter | None = None
    for start in range(0, count, CHUNK):
        numbers = range(start, min(start + CHUNK, count))
        table = pa.table(
            {
                "post_id": [f"post{number}" for number in numbers],
                "user_id": [f"user{number // 4}" for number in numbers],
                "hashtags": [[f"tag{tag}" for tag in tags[number]] for number in numbers],
                "country": ["US"] * len(numbers),
                "descriptor": [[1.0, float(number % 7)] for number in numbers],
            }
        )
        writer = writer or pq.ParquetWriter(path, table.schema)
        writer.write_table(table)
    if writer:
        writer.close()


if __name__ == "__main__":
    run(main, Config)
