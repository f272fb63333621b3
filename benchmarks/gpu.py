"""Measures training on an accelerator: rates, what XLA and lower precision give, idle time.

    python -m benchmarks.gpu --output=gpu.json

Runs alone, from a checkout: it writes a dataset of random posts to a folder that it removes, and
one JSON file. Without an accelerator it measures the CPU, for which smaller sizes are wise. Rates
are of steps in a row, waited for at the end only, as training takes them.

- `sweep`: positives/s with the posts in the memory of the device, by batch size, precision and
  whether XLA compiles the step; `outside_kernels` is the share of time in which none runs.
- `inputs`: the same from memory of the host and from TFRecords.
- `samplers`: `exhaustive` beside `pooled`.
"""

import dataclasses
import json
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import tensorflow as tf

from benchmarks.kernel_time import share_outside_kernels
from benchmarks.random_dataset import write_random_dataset
from tagkeras.cli import files
from tagkeras.cli.commandline import option, run
from tagkeras.data.manifest import Manifest
from tagkeras.data.post_tags import split_batch
from tagkeras.data.training_input import TrainingInput
from tagkeras.train.config import Settings
from tagkeras.train.model import compile_model, make_model


@dataclasses.dataclass(frozen=True, kw_only=True)
class Config:
    """The options of this command."""

    output: str = option(help="JSON file to write")
    posts: int = option(200_000, help="posts of the dataset", minimum=100)
    descriptor_size: int = option(4096, help="n", minimum=1)
    tags: int = option(100_000, help="Y", minimum=10)
    tags_per_post: int = option(3, help="positives of a post", minimum=1)
    batch_sizes: tuple[str, ...] = option(("512", "4096", "16384", "65536"), help="posts in a step")
    precisions: tuple[str, ...] = option(
        ("float32", "mixed_bfloat16"), help="Keras dtype policies of the embedding"
    )
    steps: int = option(50, help="timed steps of each kind", minimum=1)


def main(config: Config) -> None:
    """Measures, writes the file and says so."""
    devices = tf.config.list_physical_devices("GPU") or tf.config.list_physical_devices("CPU")
    details = tf.config.experimental.get_device_details(devices[0])
    result: dict[str, Any] = {
        "benchmark": "gpu",
        "device": details.get("device_name", devices[0].device_type),
        "tensorflow": tf.__version__,
        **dataclasses.asdict(config),
    }
    with tempfile.TemporaryDirectory() as name:
        bench = _Bench(config, Path(name) / "dataset")
        sizes = [int(size) for size in config.batch_sizes]
        result["sweep"] = [
            bench.measure(size, "device", profile=True, precision=precision, jit_compile=jit)
            for size in sizes
            for precision in config.precisions
            for jit in (False, True)
        ]
        best = max(result["sweep"], key=lambda row: row["positives_per_second"])
        chosen = {name: best[name] for name in ("precision", "jit_compile")}
        result["inputs"] = [
            bench.measure(size, cache, **chosen) for size in sizes for cache in ("memory", "none")
        ]
        result["samplers"] = [
            bench.measure(sizes[0], "device", sampler=sampler, **chosen)
            for sampler in ("pooled", "exhaustive")
        ]
    files.write_text(config.output, json.dumps(result, indent=2) + "\n")
    print(f"wrote {config.output}")


class _Bench:
    """Steps on one dataset."""

    def __init__(self, config: Config, dataset: Path) -> None:
        self._config = config
        self._dataset = dataset
        self._manifest: Manifest = write_random_dataset(
            dataset,
            posts=config.posts,
            descriptor_size=config.descriptor_size,
            tags=config.tags,
            tags_per_post=config.tags_per_post,
        )

    def measure(
        self, batch_size: int, cache: str, *, profile: bool = False, **flags: Any
    ) -> dict[str, Any]:
        """Rates of steps; a failure (as for want of memory) is told in place of them."""
        row = {"batch_size": batch_size, "cache": cache, **flags}
        try:
            row |= self._time(batch_size, cache, profile, Settings(**flags))
        except tf.errors.OpError as error:
            row["error"] = (error.message or str(error)).splitlines()[0]
            row["positives_per_second"] = 0
        return row

    def _time(
        self, batch_size: int, cache: str, profile: bool, settings: Settings
    ) -> dict[str, Any]:
        posts = TrainingInput(
            self._dataset, self._manifest, batch_size=batch_size, seed=0, cache=cache
        )
        model = make_model(settings, self._manifest, precision=settings.precision)
        compile_model(model, settings)
        store = posts.store
        step = tf.function(
            lambda batch: model.train_step(split_batch(store.lookup(batch) if store else batch)),
            reduce_retracing=True,
        )
        batches = _full(posts, batch_size, self._config.posts)

        def take(count: int) -> float:
            start = time.perf_counter()
            for _ in range(count):
                step(next(batches))
            float(tf.reduce_sum(model.embedding.weights[0].value))  # waits for the last step
            return time.perf_counter() - start

        take(5)  # traces and compiles
        seconds = take(self._config.steps) / self._config.steps
        rates = {
            "ms_per_step": round(1000 * seconds, 3),
            "posts_per_second": round(batch_size / seconds),
            "positives_per_second": round(batch_size * self._config.tags_per_post / seconds),
        }
        if profile:
            rates["outside_kernels"] = share_outside_kernels(lambda: take(10))
        return rates


def _full(posts: TrainingInput, batch_size: int, num_posts: int) -> Iterator[Any]:
    """Batches without end, but for those that are not full."""
    if num_posts < batch_size:
        raise tf.errors.InvalidArgumentError(None, None, "fewer posts than a batch takes")
    for number, batch in enumerate(posts.batches(first_epoch=0, epochs=10**6)):
        if number % posts.steps_per_epoch < num_posts // batch_size:
            yield batch


if __name__ == "__main__":
    run(main, Config)
