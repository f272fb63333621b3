"""Times posts with ready descriptors through every command with default flags.

    python -m benchmarks.chain --posts=100000

Prints one JSON object: the seconds of each command as a whole process, and metrics beside
those of the frequency baseline and of the oracle.
"""

import dataclasses
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tagkeras.cli.commandline import option, run


@dataclasses.dataclass(frozen=True, kw_only=True)
class Config:
    """The options of this command."""

    posts: int = option(100_000, help="number of posts", minimum=1000)
    descriptor_size: int = option(256, help="n", minimum=1)
    tags: int = option(2000, help="size of the vocabulary", minimum=20)
    models: tuple[str, ...] = option(
        ("bilinear", "user_biased", "multiplicative"), help="models to train"
    )


def main(config: Config) -> None:
    """Runs the commands in a folder that is removed afterwards."""
    seconds: dict[str, float] = {}

    def time_command(name: str, module: str, **options: object) -> None:
        flags = [f"--{key}={value}" for key, value in options.items()]
        start = time.monotonic()
        subprocess.run([sys.executable, "-m", module, *flags], check=True, stdout=sys.stderr)
        seconds[name] = round(time.monotonic() - start, 1)

    metrics = {}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        dataset = folder / "dataset"
        size = {"descriptor_size": config.descriptor_size, "tags": config.tags}
        time_command("plant", "benchmarks.planted", output=folder, posts=config.posts, **size)
        time_command(
            "preprocess", "beam.preprocess", input=folder / "posts.parquet", output=dataset
        )
        for model in config.models:
            paths = {"workdir": folder / model, "data": dataset}
            time_command(f"train {model}", "tagkeras.train", model=model, **paths)
            output = folder / "eval" / model
            oracle = folder / "oracle.parquet"
            time_command(
                f"evaluate {model}", "tagkeras.evaluate", **paths, output=output, oracle=oracle
            )
            metrics[model] = json.loads((output / "metrics.json").read_text())
            time_command(f"export {model}", "tagkeras.export", **paths, output=folder / "export")
    first = next(iter(metrics.values()))
    scores = {name: first[name] for name in ("frequency_baseline", "oracle")}
    scores |= {
        model: {name: value for name, value in values.items() if "@" in name}
        for model, values in metrics.items()
    }
    result = {"benchmark": "chain", "cores": os.cpu_count(), **dataclasses.asdict(config)}
    print(json.dumps({**result, "seconds": seconds, "metrics": scores}))


if __name__ == "__main__":
    run(main, Config)
