"""Ranks hashtags for the posts of a split and scores the rankings.

    python -m tagkeras.evaluate --workdir=WORKDIR --data=DATASET --output=DIR

Writes `metrics.json` and `predictions.parquet` to DIR and prints a table: the most frequent
hashtags for everyone, oracles where a file of them is given, and the model.
"""

import dataclasses
import json
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf
from rich.console import Console
from rich.table import Table

from tagkeras import files
from tagkeras.commandline import option, run
from tagkeras.data import input as data_input
from tagkeras.data.manifest import Manifest
from tagkeras.errors import UserError
from tagkeras.evaluation.oracle import Oracle
from tagkeras.evaluation.predictions import PredictionsWriter
from tagkeras.evaluation.scoreboard import Scoreboard
from tagkeras.progress import progress
from tagkeras.training.restore import restore_model
from tagkeras.training.workdir import Workdir

MODEL, FREQUENCY = "model", "frequency_baseline"
# Scores held in memory at once.
BATCH_SCORES = 2**24


@dataclasses.dataclass(frozen=True, kw_only=True)
class Config:
    """The options of this command."""

    workdir: str = option(help="folder of the training run; its best epoch is evaluated")
    data: str = option(help="dataset folder that beam.preprocess wrote")
    output: str = option(help="folder to write metrics.json and predictions.parquet to")
    split: str = option("test", help="posts to rank", choices=("train", "validation", "test"))
    top_k: int | None = option(
        None, help="hashtags to predict; by default 10, or all of a smaller vocabulary", minimum=1
    )
    oracle: str | None = option(None, help="Parquet file of the posts' most probable hashtags")


def evaluate(config: Config) -> dict[str, Any]:
    """Ranks, writes both files and returns the content of `metrics.json`.

    Raises:
        UserError: no checkpoint, another dataset, an empty split, or more tags asked for than are.
    """
    dataset, output = Path(config.data), Path(config.output)
    workdir = Workdir(config.workdir)
    model = restore_model(workdir)
    workdir.check_dataset(dataset)
    manifest, vocabulary = Manifest.load(dataset), workdir.vocabulary()
    if config.top_k is not None and config.top_k > len(vocabulary):
        raise UserError(f"--top_k={config.top_k}: the vocabulary has {len(vocabulary)} tags")
    k = config.top_k or min(10, len(vocabulary))
    oracle = Oracle(Path(config.oracle), vocabulary, k) if config.oracle else None
    batch_size = max(1, min(1024, BATCH_SCORES // len(vocabulary)))
    posts = data_input.read_split(dataset, manifest, config.split, batch_size)
    num_posts = manifest.splits[config.split]["posts"]

    names = [FREQUENCY, *(oracle.names if oracle else []), MODEL]
    scoreboards = {name: Scoreboard(k) for name in names}
    top_k = tf.function(lambda batch: model.top_k(model(batch), k))
    output.mkdir(parents=True, exist_ok=True)
    with (
        files.written_aside(output / "predictions.parquet") as aside,
        PredictionsWriter(aside, vocabulary.tags) as writer,
        progress("evaluating", num_posts, "posts") as advance,
        data_input.named_errors(dataset),
    ):
        for batch in posts:
            scores, ids = (tensor.numpy() for tensor in top_k(batch))
            post_ids = [post_id.decode() for post_id in batch["post_id"].numpy()]
            predictions = {MODEL: ids, FREQUENCY: np.tile(np.arange(k), (len(ids), 1))}
            if oracle:
                predictions |= {name: oracle.predictions(name, post_ids) for name in oracle.names}
            num_truth = batch["tags"].row_lengths() + batch["out_of_vocabulary"]
            for name, scoreboard in scoreboards.items():
                scoreboard.add(predictions[name], batch["tags"], num_truth)
            writer.write(post_ids, ids, scores)
            advance(len(ids))

    results = {name: scoreboard.results() for name, scoreboard in scoreboards.items()}
    metrics = {
        **results.pop(MODEL),
        **results,
        "num_posts": num_posts,
        "split": config.split,
        "model": workdir.config()["model"],
        "epoch": workdir.best_epoch()["epoch"],
    }
    files.write_text(output / "metrics.json", json.dumps(metrics, indent=2) + "\n")
    return metrics


def print_table(metrics: dict[str, Any]) -> None:
    """Prints the content of `metrics.json`: a row for each way to rank, percentages."""
    rows = {name.replace("_", " "): v for name, v in metrics.items() if isinstance(v, dict)}
    rows[f"{metrics['model']} model"] = {n: v for n, v in metrics.items() if "@" in n}
    table = Table(title=f"{metrics['num_posts']:,} posts of the {metrics['split']} split")
    table.add_column("ranked by")
    for name in next(iter(rows.values())):
        table.add_column(name, justify="right")
    for name, values in rows.items():
        table.add_row(name, *(f"{100 * value:.2f}%" for value in values.values()))
    Console().print(table)


def main(config: Config) -> None:
    """Evaluates, prints the table and says what was written."""
    print_table(evaluate(config))
    print(f"wrote {config.output}/metrics.json and {config.output}/predictions.parquet")


if __name__ == "__main__":
    run(main, Config)
