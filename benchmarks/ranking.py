"""Times the exact top k of a vocabulary beside the matrix products that it has to make.

    python -m benchmarks.ranking
    python -m benchmarks.ranking --posts=256 --tags=1000000

Three kinds, called in turn; prints one JSON object.

- `products`: the scores in the same tiles, of each of which only the maximum is kept.
- `top_k`: what `tagkeras.evaluate` and exported models do.
- `whole_row`: `tf.math.top_k` on all scores of 1,024 posts at once.

Seconds are medians. Ratios are medians of each call's time by that of the call of `products` just
before: by the clock, and by the time of all processor cores, which other work on the machine
stretches less. `peak_mib` is the largest resident memory of the process up to the end of that
kind's first call, in the order above; `start` is what it was before.
"""

import dataclasses
import json
import math
import os
import resource
import statistics
from collections.abc import Callable

import tensorflow as tf

from benchmarks.stopwatch import Stopwatch
from tagkeras.cli.commandline import option, run
from tagkeras.retrieval import Tiling, top_k

Rank = Callable[[tf.Tensor], tf.Tensor]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Config:
    """The options of this command."""

    posts: int = option(1024, help="B, ranked in one call", minimum=1)
    tags: int = option(100_000, help="Y", minimum=1)
    embedding_dim: int = option(64, help="d", minimum=1)
    top_k: int = option(10, help="k", minimum=1)
    runs: int = option(15, help="timed calls of each kind", minimum=1)
    whole_row: bool = option(True, help="time `whole_row` too")


def main(config: Config) -> None:
    """Times and prints."""
    # Drawn by TensorFlow: an array to copy would be the peak of memory.
    table = tf.Variable(tf.random.stateless_normal([config.tags, config.embedding_dim], [0, 0]))
    phi = tf.random.stateless_normal([config.posts, config.embedding_dim], [0, 1])
    kinds = _make_kinds(config, table)
    peak_mib = {"start": _peak_mib()}
    for name, rank in kinds.items():
        rank(phi)
        peak_mib[name] = _peak_mib()
    laps: dict[str, list[Stopwatch]] = {name: [] for name in kinds}
    for _ in range(config.runs):
        for name, rank in kinds.items():
            watch = Stopwatch()
            with watch:
                rank(phi).numpy()
            laps[name].append(watch)
    ratios = {
        name: {
            "clock": _median_ratio(laps, name, "seconds"),
            "cpu": _median_ratio(laps, name, "cpu_seconds"),
        }
        for name in kinds
        if name != "products"
    }
    seconds = {
        name: round(statistics.median(watch.seconds for watch in watches), 4)
        for name, watches in laps.items()
    }
    result = {"benchmark": "ranking", "cores": os.cpu_count(), **dataclasses.asdict(config)}
    print(json.dumps({**result, "seconds": seconds, "ratios": ratios, "peak_mib": peak_mib}))


def _make_kinds(config: Config, table: tf.Variable) -> dict[str, Rank]:
    """The functions to time; each gives one value a post."""
    k, num_tags = config.top_k, config.tags
    tiling = Tiling.choose(k, num_tags)

    def products(phi: tf.Tensor) -> tf.Tensor:
        num_posts = tf.shape(phi)[0]
        tile = tiling.tile(num_posts, num_tags)
        largest = tf.fill([num_posts], -math.inf)
        for start in tf.range(0, num_tags, tile):
            rows = tf.gather(table, tf.range(start, tf.minimum(start + tile, num_tags)))
            scores = tf.matmul(phi, rows, transpose_b=True)
            largest = tf.maximum(largest, tf.reduce_max(scores, axis=1))
        return largest

    def whole_row(phi: tf.Tensor) -> tf.Tensor:
        return tf.math.top_k(tf.matmul(phi, table, transpose_b=True), k).indices[:, 0]

    kinds = {
        "products": _in_groups(products, tiling.group(num_tags)),
        "top_k": tf.function(lambda phi: top_k(phi, table, k)[1][:, 0]),
        "whole_row": _in_groups(whole_row, 1024),
    }
    return kinds if config.whole_row else {name: kinds[name] for name in ("products", "top_k")}


def _in_groups(rank: Rank, group: int) -> Rank:
    """The same for so many posts at a time."""
    rank = tf.function(rank)

    def rank_all(phi: tf.Tensor) -> tf.Tensor:
        groups = range(0, phi.shape[0], group)
        return tf.concat([rank(phi[start : start + group]) for start in groups], axis=0)

    return rank_all


def _median_ratio(laps: dict[str, list[Stopwatch]], name: str, of: str) -> float:
    pairs = zip(laps[name], laps["products"], strict=True)
    return round(statistics.median(getattr(a, of) / getattr(b, of) for a, b in pairs), 3)


def _peak_mib() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


if __name__ == "__main__":
    run(main, Config)
