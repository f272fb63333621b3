"""Times beam.preprocess on posts with ready descriptors.

    python -m benchmarks.ready_posts --posts=400000 --descriptor_size=1280

Whole processes, two workers, from Parquet and, a tenth as many, from JSON Lines. The steady rate is
that of the posts beyond the first quarter. Prints one JSON object.
"""

import dataclasses
import json
import os
import statistics
import tempfile
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.processes import run_module
from tagkeras.cli.commandline import option, run

CHUNK = 5000


@dataclasses.dataclass(frozen=True, kw_only=True)
class Config:
    """The options of this command."""

    posts: int = option(400_000, help="number of posts in Parquet", minimum=1000)
    descriptor_size: int = option(1280, help="n", minimum=1)
    workers: int = option(2, help="worker processes", minimum=1)
    runs: int = option(3, help="of each kind", minimum=1)


def main(config: Config) -> None:
    """Times and prints."""
    result = {"benchmark": "ready_posts", "cores": os.cpu_count(), **dataclasses.asdict(config)}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for kind, posts in (("parquet", config.posts), ("jsonl", config.posts // 10)):
            seconds: dict[int, list[float]] = {}
            for count in (posts, posts // 4):
                source = folder / f"{count}.{kind}"
                _write_posts(source, count, config.descriptor_size)
                for _ in range(config.runs):
                    usage = run_module(
                        "beam.preprocess",
                        input=source,
                        output=folder / "dataset",
                        direct_num_workers=config.workers,
                    )
                    seconds.setdefault(count, []).append(usage.seconds)
                source.unlink()
            whole, part = statistics.median(seconds[posts]), statistics.median(seconds[posts // 4])
            result[kind] = {
                "posts": posts,
                "seconds": seconds[posts],
                "posts/s": round(posts / whole),
                "steady posts/s": round((posts - posts // 4) / (whole - part)),
            }
    print(json.dumps(result))


def _write_posts(path: Path, count: int, size: int) -> None:
    rng = np.random.default_rng(0)
    with path.open("wb") as stream:
        writer: pq.ParquetWriter | None = None
        for start in range(0, count, CHUNK):
            table = _make_posts(rng, start, min(CHUNK, count - start), size)
            if path.suffix == ".jsonl":
                for row in table.to_pylist():
                    stream.write(json.dumps(row).encode() + b"\n")
                continue
            writer = writer or pq.ParquetWriter(stream, table.schema)
            writer.write_table(table)
        if writer:
            writer.close()


def _make_posts(rng: np.random.Generator, start: int, count: int, size: int) -> pa.Table:
    # As a CNN gives them: half of the values are zeros.
    descriptors = np.maximum(rng.normal(size=(count, size)), 0).astype(np.float32).round(4)
    flat = pa.array(descriptors.ravel())
    return pa.table(
        {
            "post_id": [f"post{number}" for number in range(start, start + count)],
            "user_id": [f"user{number // 4}" for number in range(start, start + count)],
            "hashtags": [
                [f"#Tag{tag}" for tag in set(rng.zipf(1.3, 3).clip(max=20_000).tolist())]
                for _ in range(count)
            ],
            "age": rng.integers(15, 80, count),
            "gender": rng.choice(["female", "male"], count),
            "country": rng.choice(["US", "GB", "FR"], count),
            "latitude": rng.uniform(-60, 60, count),
            "longitude": rng.uniform(-180, 180, count),
            "descriptor": pa.FixedSizeListArray.from_arrays(flat, size).cast(
                pa.list_(pa.float32())
            ),
        }
    )


if __name__ == "__main__":
    run(main, Config)
