"""Compares exports with an approximate index with exact ones, on millions of hashtags.

    python -m benchmarks.index --folder=DIR

The rows are those of a model that is trained for it on the posts of `benchmarks.large_world`, a
post at least for each hashtag; DIR keeps the trained weights for the next time. Cells are made and
probes chosen as by `tagkeras.export --index=ivf`, on validation posts; recall is measured on other
posts, all of them drawn by the popularity of hashtags. Prints one JSON object.

- `curve`: for several numbers of probes, the recall on the test posts, the share of hashtags that
  is scored, and the milliseconds of one search, from phi to hashtag ids.
- `search`: the same for the probes that were chosen, and for the exact search.
- `request`: milliseconds of one call of the exported SavedModels' sessions, from a descriptor and
  a user to hashtags.

Times are medians of calls of one post, made in turn; `ratio` is the median of each by the exact
call of the same turn.
"""

import dataclasses
import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from benchmarks.in_process import in_process_calls
from benchmarks.large_model import Training, embed, train_or_load
from benchmarks.served_model import write_ranker
from tagkeras.commandline import option, run
from tagkeras.indexing.cells import default_num_cells, find_cells
from tagkeras.indexing.exact_index import ExactIndex
from tagkeras.indexing.inverted_file import InvertedFile
from tagkeras.indexing.probes import choose_probes, find_cell_places, measure_recall
from tagkeras.models.hashtag_model import HashtagModel

K = 10
PROBES = (1, 2, 4, 8, 16, 32, 64, 128, 256)
UNTIMED_TURNS = 2

Call = Callable[[int], object]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Config:
    """The options of this command."""

    folder: str = option(help="folder that keeps the trained weights")
    tags: int = option(4_600_000, help="Y", minimum=100)
    topics: int = option(3000, help="of the world", minimum=1)
    descriptor_size: int = option(256, help="n", minimum=1)
    passes: int = option(2, help="of the training", minimum=1)
    batch_size: int = option(1024, help="posts in a step of the training", minimum=1)
    cells: int | None = option(
        None, help="of the index; by default that of tagkeras.export", minimum=1
    )
    recall_target: float = option(0.99, help="that the probes are chosen for", minimum=0.01)
    posts: int = option(2000, help="validation posts, and as many test posts", minimum=1)
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
    model = train_or_load(training, Path(config.folder))
    validation, test = _draw_queries(training, model, config.posts)
    table = model.tag_table.value
    rows = table.numpy()
    seconds = {}
    start = time.perf_counter()
    cells = find_cells(rows, config.cells or default_num_cells(config.tags))
    seconds["cells"] = round(time.perf_counter() - start, 1)
    start = time.perf_counter()
    needed, scored = find_cell_places(validation, table, cells, K)
    chosen = choose_probes(needed, scored, cells, config.recall_target)
    seconds["probes"] = round(time.perf_counter() - start, 1)
    print(f"{len(cells)} cells, {chosen}", file=sys.stderr, flush=True)

    exact, index = ExactIndex(table), InvertedFile(rows, cells, chosen.probes)
    of_test = find_cell_places(test, table, cells, K)
    smallest = np.cumsum(np.sort(np.bincount(cells.cell_of_row)))  # rows of so few cells
    by_probes = {
        probes: _recall(measure_recall(*of_test, probes))
        for probes in sorted({*PROBES, chosen.probes})
        if probes <= len(cells) and smallest[probes - 1] >= K
    }
    calls = {"exact": _search(exact, test)}
    for probes in by_probes:
        index.probes = probes  # of the graph that is traced next
        calls[str(probes)] = _search(index, test)
    times = _time_in_turn(calls, config.turns)
    curve = [{**recall, **times[str(probes)]} for probes, recall in by_probes.items()]
    index.probes = chosen.probes
    result = {
        "benchmark": "index",
        "cores": os.cpu_count(),
        **dataclasses.asdict(config),
        "norms_of_rows": _percentiles(np.linalg.norm(rows, axis=1)),
        "cells": len(cells),
        "rows_of_cells": _percentiles(np.bincount(cells.cell_of_row)),
        "build_seconds": seconds,
        "chosen": {key: _rounded(value) for key, value in dataclasses.asdict(chosen).items()},
        "search": {"exact": times["exact"], "ivf": times[str(chosen.probes)]},
        "test_recall": by_probes[chosen.probes]["recall"],
        "curve": curve,
        "request": _time_requests(model, {"exact": exact, "ivf": index}, training, config.turns),
    }
    print(json.dumps(result))


def _draw_queries(
    training: Training, model: HashtagModel, count: int
) -> tuple[np.ndarray, np.ndarray]:
    """Phi of as many validation and test posts, float32 [count, d] each."""
    world, rng = training.make_world(), np.random.default_rng(2)
    posts = world.draw_posts(world.draw_popular(2 * count, rng), rng)
    phi = embed(model, posts)
    return phi[:count], phi[count:]


def _search(index: ExactIndex | InvertedFile, phi: np.ndarray) -> Call:
    """A call that ranks the post of a number, alone."""
    search = tf.function(lambda some: index.top_k(some, K), autograph=False).get_concrete_function(
        tf.TensorSpec([None, phi.shape[1]])
    )
    return lambda post: search(tf.constant(phi[post : post + 1]))[1].numpy()


def _time_in_turn(calls: dict[str, Call], turns: int) -> dict[str, dict[str, float]]:
    """Median milliseconds of each, and its ratio to `exact`."""
    laps: dict[str, list[float]] = {name: [] for name in calls}
    for turn in range(UNTIMED_TURNS + turns):
        for name, call in calls.items():
            start = time.perf_counter()
            call(turn)
            if turn >= UNTIMED_TURNS:
                laps[name].append(1000 * (time.perf_counter() - start))
    return {
        name: {
            "ms": _rounded(statistics.median(times)),
            "ratio": _rounded(
                statistics.median(a / b for a, b in zip(times, laps["exact"], strict=True))
            ),
        }
        for name, times in laps.items()
    }


def _time_requests(
    model: HashtagModel,
    indexes: dict[str, ExactIndex | InvertedFile],
    training: Training,
    turns: int,
) -> dict[str, Any]:
    """Exports with each index, loads what was written, and asks in turn."""
    with tempfile.TemporaryDirectory() as name:
        calls, megabytes = {}, {}
        for kind, index in indexes.items():
            path = Path(name) / kind / "1"
            write_ranker(path, model.embedding, index, training.manifest())
            ask = in_process_calls(str(path), training.descriptor_size)["session"]
            calls[kind] = lambda _, ask=ask: ask()
            size = sum(file.stat().st_size for file in path.rglob("*") if file.is_file())
            megabytes[kind] = round(size / 1e6)
        times = _time_in_turn(calls, turns)
    return {kind: {**times[kind], "megabytes": megabytes[kind]} for kind in indexes}


def _recall(recall: Any) -> dict[str, Any]:
    fields = dataclasses.asdict(recall)
    return {name: _rounded(fields[name]) for name in ("probes", "recall", "scored")}


def _percentiles(values: np.ndarray) -> dict[str, float]:
    return {
        str(percent): _rounded(float(np.percentile(values, percent)))
        for percent in (0, 5, 50, 95, 100)
    }


def _rounded(value: float) -> float:
    return value if isinstance(value, int) else float(f"{value:.4g}")


if __name__ == "__main__":
    run(main, Config)
