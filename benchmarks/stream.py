"""Times training that streams from TFRecords beside training from memory.

    python -m benchmarks.stream

Epochs of the same steps, two in a row and the kinds in turn: from float32 tensors in memory, whose
rows each step gathers in shuffled order (`held`); from the files (`none`); and from
`--cache=memory`. For comparison also from batches that lie ready, in the same order each time
(`ready`), which no training can use. Then the peak memory of `tagkeras.train` on datasets of
different sizes. Prints one JSON object.
"""

import dataclasses
import itertools
import json
import os
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import tensorflow as tf

from benchmarks.processes import run_module
from benchmarks.random_dataset import write_random_dataset
from tagkeras.cli.commandline import option, run
from tagkeras.data.post_tags import split_batch
from tagkeras.data.training_input import TrainingInput
from tagkeras.train.config import Settings
from tagkeras.train.model import compile_model, make_model

TAGS = 10_000
# Of a kind in one go: all but the first are timed.
EPOCHS = 3


@dataclasses.dataclass(frozen=True, kw_only=True)
class Config:
    """The options of this command."""

    posts: int = option(60_000, help="posts of the timed dataset, one tag each", minimum=1000)
    descriptor_size: int = option(4096, help="n", minimum=1)
    batch_size: int = option(512, help="posts in a step", minimum=1)
    rounds: int = option(3, help="how often each kind is timed, in turn", minimum=1)
    large_posts: tuple[str, ...] = option(
        ("150000", "450000"), help="posts of the datasets whose memory is measured"
    )


def main(config: Config) -> None:
    """Times and prints."""
    with tempfile.TemporaryDirectory() as name:
        result = {
            "benchmark": "stream",
            "cores": os.cpu_count(),
            **dataclasses.asdict(config),
            **_time_epochs(config, Path(name) / "dataset"),
            "memory": [_measure_memory(config, int(p), Path(name)) for p in config.large_posts],
        }
    print(json.dumps(result))


def _time_epochs(config: Config, dataset: Path) -> dict[str, Any]:
    manifest = write_random_dataset(
        dataset, posts=config.posts, descriptor_size=config.descriptor_size, tags=TAGS
    )
    settings = Settings()
    model = make_model(settings, manifest)
    compile_model(model, settings)
    step = tf.function(lambda batch: model.train_step(split_batch(batch)), reduce_retracing=True)
    inputs = {
        cache: TrainingInput(dataset, manifest, batch_size=config.batch_size, seed=0, cache=cache)
        for cache in ("none", "memory")
    }
    steps = inputs["none"].steps_per_epoch
    ready = list(inputs["memory"].batches(first_epoch=0, epochs=1).take(32))
    # As many posts as these batches have are held, and gone through again and again.
    held = {name: tf.concat([batch[name] for batch in ready], axis=0) for name in ready[0]}
    num_held = held["descriptor"].shape[0]

    def gather() -> Iterator[Any]:
        for number in itertools.count():
            seed = [number, 0]
            row = tf.random.stateless_uniform([config.batch_size], seed, 0, num_held, tf.int32)
            yield {name: tf.gather(values, row) for name, values in held.items()}

    def read(cache: str) -> Iterator[Any]:
        return iter(inputs[cache].batches(first_epoch=0, epochs=EPOCHS))

    kinds: dict[str, Callable[[], Iterator[Any]]] = {
        "held": gather,
        "ready": lambda: itertools.cycle(ready),
        "none": lambda: read("none"),
        "memory": lambda: read("memory"),
    }
    rates: dict[str, list[float]] = {kind: [] for kind in kinds}
    for _ in range(config.rounds):
        for kind, start_reading in kinds.items():
            batches = start_reading()
            for epoch in range(EPOCHS):
                if epoch == 1:  # the first one traces, loads, and begins to read ahead
                    start = time.perf_counter()
                for _ in range(steps):
                    step(next(batches))
                float(model.optimizer.iterations)  # waits for the last step
            seconds = time.perf_counter() - start
            rates[kind].append((EPOCHS - 1) * config.posts / seconds)
    medians = {kind: statistics.median(values) for kind, values in rates.items()}
    ratios = {
        f"{kind}_to_held": round(
            statistics.median(a / b for a, b in zip(rates[kind], rates["held"], strict=True)), 3
        )
        for kind in ("ready", "none", "memory")
    }
    return {"posts_per_second": {k: round(v) for k, v in medians.items()}, **ratios}


def _measure_memory(config: Config, posts: int, folder: Path) -> dict[str, Any]:
    dataset = folder / f"dataset{posts}"
    write_random_dataset(dataset, posts=posts, descriptor_size=config.descriptor_size, tags=TAGS)
    usage = run_module("tagkeras.train", data=dataset, workdir=folder / f"run{posts}", epochs=2)
    return {
        "posts": posts,
        "dataset_mib": round(sum(p.stat().st_size for p in dataset.rglob("*.tfrecord")) / 2**20),
        "peak_mib": round(usage.peak_mib),
        "seconds": round(usage.seconds, 1),
    }


if __name__ == "__main__":
    run(main, Config)
