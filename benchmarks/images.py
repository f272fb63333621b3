"""Times beam.preprocess on images beside the bare CNN fed the same files by tf.data.

    python -m benchmarks.images --images=2000

Both are whole processes, run in turn. The steady rate is that of the images beyond the first
quarter: what a run of all took longer than a run of a quarter. Prints one JSON object.
"""

import dataclasses
import io
import json
import os
import random
import statistics
import tempfile
from pathlib import Path

import keras
from PIL import Image

from benchmarks.processes import run_module
from tagkeras.cli.commandline import option, run
from tagkeras.synthetic.drawing.picture import draw_jpeg
from tagkeras.synthetic.tables import THINGS

SIDE = 512


@dataclasses.dataclass(frozen=True, kw_only=True)
class Config:
    """The options of this command."""

    images: int = option(2000, help="number of images, 512 pixels each way", minimum=8)
    pairs: int = option(3, help="runs of each kind", minimum=1)
    cnn: str = option("MobileNetV2", help="a model of keras.applications; its weights are random")


def main(config: Config) -> None:
    """Times and prints."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        weights = folder / "cnn.weights.h5"
        getattr(keras.applications, config.cnn)(weights=None).save_weights(weights)
        _draw(folder / "images", config.images)
        flags = {"cnn": config.cnn, "cnn_weights": weights}
        quarter = config.images // 4
        seconds: dict[str, list[float]] = {}
        for _ in range(config.pairs):
            for count in (config.images, quarter):
                posts = _write_posts(folder / f"{count}.jsonl", count)
                pipeline = run_module(
                    "beam.preprocess", input=posts, output=folder / "dataset", **flags
                )
                bare = run_module(
                    "benchmarks.bare_cnn", images=folder / "images", count=count, **flags
                )
                seconds.setdefault(f"pipeline {count}", []).append(pipeline.seconds)
                seconds.setdefault(f"bare {count}", []).append(bare.seconds)
    result = {"benchmark": "images", "cores": os.cpu_count(), **dataclasses.asdict(config)}
    rates = {}
    for kind in ("pipeline", "bare"):
        whole, part = seconds[f"{kind} {config.images}"], seconds[f"{kind} {quarter}"]
        rates[kind] = [config.images / total for total in whole]
        rates[f"{kind} steady"] = [
            (config.images - quarter) / (total - some)
            for total, some in zip(whole, part, strict=True)
        ]
    for kind, values in rates.items():
        result[f"{kind} images/s"] = round(statistics.median(values), 1)
    for kind in ("", " steady"):
        pairs = zip(rates[f"pipeline{kind}"], rates[f"bare{kind}"], strict=True)
        ratios = [pipeline / bare for pipeline, bare in pairs]
        result[f"ratio{kind}"] = round(statistics.median(ratios), 3)
        result[f"ratios{kind}"] = [round(ratio, 3) for ratio in ratios]
    print(json.dumps({**result, "seconds": seconds}))


def _draw(folder: Path, count: int) -> None:
    """Drawn photos, enlarged, since what is drawn is small."""
    folder.mkdir()
    rng = random.Random(0)
    concepts = sorted(thing.name for thing in THINGS)
    for number in range(count):
        small = Image.open(io.BytesIO(draw_jpeg((rng.choice(concepts),), rng)))
        height = rng.choice((SIDE, 3 * SIDE // 4))
        small.resize((SIDE, height), Image.Resampling.BICUBIC).save(
            folder / f"{number}.jpg", quality=90
        )


def _write_posts(path: Path, count: int) -> Path:
    rows = [
        {
            "post_id": f"post{number}",
            "user_id": f"user{number // 3}",
            "image": f"images/{number}.jpg",
            "hashtags": [f"tag{number % 50}"],
        }
        for number in range(count)
    ]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


if __name__ == "__main__":
    run(main, Config)
