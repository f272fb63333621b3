"""Trains on a vocabulary of millions of tags, as a whole process, and measures its memory.

    python -m benchmarks.vocabulary

How long a step takes beside one on a small vocabulary is measured by `benchmarks.step`. Prints one
JSON object.
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

    tags: int = option(4_600_000, help="Y", minimum=2)
    posts: int = option(50_000, help="training posts, one tag each", minimum=1)
    validation: int = option(200, help="validation posts, ranked after each epoch", minimum=0)
    descriptor_size: int = option(4096, help="n", minimum=1)
    epochs: int = option(2, help="passes over the posts", minimum=1)


def main(config: Config) -> None:
    """Trains and prints."""
    with tempfile.TemporaryDirectory() as name:
        dataset, workdir = Path(name) / "dataset", Path(name) / "run"
        write_random_dataset(
            dataset,
            posts=config.posts,
            descriptor_size=config.descriptor_size,
            tags=config.tags,
            validation=config.validation,
        )
        flags = {"data": dataset, "workdir": workdir, "embedding_dim": 64}
        fresh = run_module("tagkeras.train", **flags, epochs=config.epochs)
        resumed = run_module("tagkeras.train", **flags, epochs=config.epochs + 1)
    usage = {
        name: {"seconds": round(used.seconds, 1), "peak_mib": round(used.peak_mib)}
        for name, used in (("fresh", fresh), ("resumed", resumed))
    }
    result = {"benchmark": "vocabulary", "cores": os.cpu_count(), **dataclasses.asdict(config)}
    print(json.dumps({**result, **usage}))


if __name__ == "__main__":
    run(main, Config)
