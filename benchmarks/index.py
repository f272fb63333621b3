"""Compares exports with an approximate index with exact ones, on millions of hashtags.

    python -m benchmarks.index
    python -m benchmarks.index --folder=DIR

The rows are those of a model that is trained for it on the posts of `benchmarks.large_world`, a
post at least for each hashtag. That takes up to half an hour; DIR keeps the weights for the next
time. Cells are made and probes chosen as by `tagkeras.export --index=ivf`, on training and
validation posts; recall is measured on other posts, all of them drawn by the popularity of
hashtags. Prints one JSON object.

- `curve`: for several numbers of probes, the recall on the test posts, the share of hashtags that
  is scored, and the milliseconds of one search, from phi to hashtag ids.
- `search`: the same for the probes that were chosen, and for the exact search.
- `batches`: milliseconds of one search for so many posts together.
- `request`: milliseconds of one call of the exported SavedModels' sessions, from a descriptor of
  a test post, and a user who is always the same, to hashtags.
- `peak_resident_gb`: of this process when the cells are made and the probes chosen. With weights
  read from DIR it tells what an export needs.

Times are medians of calls, made in turn, of one post where nothing else is said, another each
time; `ratio` is the median of each by the exact call of the same turn.
"""

import dataclasses
import json
import os
import resource
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from benchmarks.in_process import session_call
from benchmarks.large_model import Training, embed, train_or_load
from benchmarks.post_arrays import PostArrays
from benchmarks.served_model import write_ranker
from tagkeras.cli.commandline import option, run
from tagkeras.models import HashtagModel
from tagkeras.retrieval import (
    ExactTopK,
    IVFTopK,
    Queries,
    Recall,
    RecallCurve,
    TopK,
    default_num_cells,
    fewest_probes,
    find_cells,
)

K = 10
PROBES = (16, 32, 64, 128, 256, 512, 1024, 2048)
BATCHES = (8, 64)
UNTIMED_TURNS = 2

Call = Callable[[int], object]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Config:
    """The options of this command."""

    folder: str | None = option(
        None, help="folder that keeps the trained weights; by default they are trained anew"
    )
    tags: int = option(4_600_000, help="Y", minimum=100)
    topics: int = option(3000, help="of the world", minimum=1)
    descriptor_size: int = option(256, help="n", minimum=1)
    passes: int = option(2, help="of the training", minimum=1)
    batch_size: int = option(1024, help="posts in a step of the training", minimum=1)
    cells: int | None = option(
        None, help="of the index; by default that of tagkeras.export", minimum=1
    )
    recall_target: float = option(
        0.99, help="that the probes are chosen for", minimum=0.01, maximum=1
    )
    posts: int = option(
        2000, help="posts to make cells for, to choose probes by, and to test", minimum=1
    )
    turns: int = option(30, help="timed calls of each kind", minimum=1)


def main(config: Config) -> None:
    """Trains, builds, measures and prints."""
    training = Training(
        num_tags=config.tags,
        topics=config.topics,
        descriptor_size=config.descriptor_size,
        passes=config.passes,
        batch_size=config.batch_size,
    )
    model = train_or_load(training, Path(config.folder) if config.folder else None)
    trained, validation, test = _draw_posts(training, config.posts)
    table = model.tag_table.value
    rows = table.numpy()
    seconds = {}
    start = time.perf_counter()
    queries = Queries.rank(embed(model, trained), table, K)
    cells = find_cells(rows, config.cells or default_num_cells(config.tags), queries)
    seconds["cells"] = round(time.perf_counter() - start, 1)
    start = time.perf_counter()
    on_validation = RecallCurve.measure(embed(model, validation), table, cells, K)
    fewest = fewest_probes(cells, K)
    chosen = on_validation.choose_probes(config.recall_target, fewest)
    seconds["probes"] = round(time.perf_counter() - start, 1)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(f"{len(cells)} cells, {chosen}", file=sys.stderr, flush=True)

    phi = embed(model, test)
    on_test = RecallCurve.measure(phi, table, cells, K)
    curve = [
        on_test.recall(probes)
        for probes in sorted({*PROBES, chosen.probes})
        if fewest <= probes <= len(cells)
    ]
    exact, index = ExactTopK(model.tag_table, K), IVFTopK(table, cells, chosen.probes, K)
    calls = {"exact": _search(exact, phi)}
    for recall in curve:
        index.probes = recall.probes  # of the graph that is traced next
        calls[str(recall.probes)] = _search(index, phi)
    index.probes = chosen.probes
    times = _time_in_turn(calls, config.turns)
    result = {
        "benchmark": "index",
        "cores": os.cpu_count(),
        **dataclasses.asdict(config),
        "norms_of_rows": _percentiles(np.linalg.norm(rows, axis=1)),
        "cells": len(cells),
        "rows_of_cells": _percentiles(cells.sizes()),
        "build_seconds": seconds,
        "peak_resident_gb": round(peak, 2),
        "chosen": _rounded(dataclasses.asdict(chosen)),
        "test_recall": round(on_test.recall(chosen.probes).recall, 4),
        "search": {"exact": times["exact"], "ivf": times[str(chosen.probes)]},
        "curve": [_curve_point(recall, times[str(recall.probes)]) for recall in curve],
        "batches": {
            batch: _time_in_turn(
                {
                    "exact": _search(exact, phi, batch),
                    "ivf": _search(index, phi, batch),
                },
                config.turns,
            )
            for batch in BATCHES
        },
        "request": _time_requests(
            model, {"exact": exact, "ivf": index}, training, test.descriptors, config.turns
        ),
    }
    print(json.dumps(result))


def _draw_posts(training: Training, count: int) -> tuple[PostArrays, PostArrays, PostArrays]:
    """As many posts of each kind, which are alike: to make cells for, to choose probes, to test."""
    world, rng = training.make_world(), np.random.default_rng(2)
    posts = world.draw_posts(world.draw_popular(3 * count, rng), rng)
    return posts[:count], posts[count : 2 * count], posts[2 * count :]


def _search(index: TopK, phi: np.ndarray, batch: int = 1) -> Call:
    """A call that ranks some posts, others in each turn."""
    search = tf.function(lambda some: index(some), autograph=False).get_concrete_function(
        tf.TensorSpec([None, phi.shape[1]])
    )

    def call(turn: int) -> object:
        rows = np.arange(turn * batch, (turn + 1) * batch) % len(phi)
        return search(tf.constant(phi[rows]))[1].numpy()

    return call


def _time_in_turn(calls: dict[str, Call], turns: int) -> dict[str, dict[str, float]]:
    """Median milliseconds of each, and its ratio to `exact`."""
    laps: dict[str, list[float]] = {name: [] for name in calls}
    for turn in range(UNTIMED_TURNS + turns):
        for name, call in calls.items():
            start = time.perf_counter()
            call(turn)
            if turn >= UNTIMED_TURNS:
                laps[name].append(1000 * (time.perf_counter() - start))
    return {name: _summarize(times, laps["exact"]) for name, times in laps.items()}


def _summarize(times: list[float], exact: list[float]) -> dict[str, float]:
    ratios = [ours / theirs for ours, theirs in zip(times, exact, strict=True)]
    return _rounded(
        {
            "ms": statistics.median(times),
            "p95_ms": float(np.percentile(times, 95)),
            "ratio": statistics.median(ratios),
        }
    )


def _time_requests(
    model: HashtagModel,
    indexes: dict[str, TopK],
    training: Training,
    descriptors: np.ndarray,
    turns: int,
) -> dict[str, Any]:
    """Exports with each index, loads what was written, and asks in turn."""
    with tempfile.TemporaryDirectory() as name:
        calls: dict[str, Call] = {}
        megabytes = {}
        for kind, index in indexes.items():
            path = Path(name) / kind / "1"
            write_ranker(path, model.embedding, index, training.manifest())
            calls[kind] = _whichever_turn(session_call(str(path), descriptors))
            size = sum(file.stat().st_size for file in path.rglob("*") if file.is_file())
            megabytes[kind] = round(size / 1e6)
        times = _time_in_turn(calls, turns)
    return {kind: {**times[kind], "megabytes": megabytes[kind]} for kind in indexes}


def _whichever_turn(ask: Callable[[], object]) -> Call:
    return lambda _: ask()


def _curve_point(recall: Recall, times: dict[str, float]) -> dict[str, float]:
    fields = dataclasses.asdict(recall)
    return _rounded({name: fields[name] for name in ("probes", "recall", "scored")}) | times


def _percentiles(values: np.ndarray) -> dict[str, float]:
    return _rounded({str(at): float(np.percentile(values, at)) for at in (0, 5, 50, 95, 100)})


def _rounded(values: dict[str, Any]) -> dict[str, Any]:
    return {
        name: value if isinstance(value, int) else float(f"{value:.4g}")
        for name, value in values.items()
    }


if __name__ == "__main__":
    run(main, Config)
