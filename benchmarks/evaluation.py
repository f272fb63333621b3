"""Evaluates a model on many posts and many tags, as a whole process, and measures its memory.

    python -m benchmarks.evaluation

How long the ranking takes beside its matrix products alone is measured by `benchmarks.ranking`.
Prints one JSON object.
"""

import dataclasses
import json
import os
import tempfile
from pathlib import Path

from benchmarks.processes import run_module
from benchmarks.random_dataset import write_random_dataset
from tagkeras.cli.commandline import option, run


@dataclasses.dataclass(frozen=True, kw_only=True)
class Config:
    """The options of this command."""

    tags: int = option(100_000, help="Y", minimum=2)
    posts: int = option(100_000, help="posts to rank", minimum=1)
    train_posts: int = option(50_000, help="training posts, which baselines read", minimum=1)
    descriptor_size: int = option(256, help="n", minimum=1)
    embedding_dim: int = option(64, help="d", minimum=1)


def main(config: Config) -> None:
    """Trains for one pass, evaluates and prints."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        dataset, workdir = folder / "dataset", folder / "run"
        write_random_dataset(
            dataset,
            posts=config.train_posts,
            descriptor_size=config.descriptor_size,
            tags=config.tags,
            tags_per_post=3,
            test=config.posts,
        )
        flags: dict[str, object] = {"data": dataset, "workdir": workdir}
        run_module("tagkeras.train", **flags, embedding_dim=config.embedding_dim, epochs=1)
        used = {
            name: run_module("tagkeras.evaluate", **flags, output=folder / name, **more)
            for name, more in (("all", {}), ("frequency_only", {"baselines": "frequency"}))
        }
    result = {"benchmark": "evaluation", "cores": os.cpu_count(), **dataclasses.asdict(config)}
    for name, usage in used.items():
        result[name] = {"seconds": round(usage.seconds, 1), "peak_mib": round(usage.peak_mib)}
    print(json.dumps(result))


if __name__ == "__main__":
    run(main, Config)
