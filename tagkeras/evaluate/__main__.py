"""Ranks hashtags for the posts of a split and scores the rankings.

    python -m tagkeras.evaluate --workdir=WORKDIR --data=DATASET --output=DIR

Writes to DIR `metrics.json` (all metrics with intervals, those of baselines, and of groups of
people), `predictions.parquet`, `posts.parquet` (what was hit, post by post) and `tags.parquet` (the
metrics of each tag), and prints tables. docs/metrics.md defines every number.
"""

import dataclasses
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq

from tagkeras.cli import files
from tagkeras.cli.commandline import option, run
from tagkeras.cli.errors import UserError
from tagkeras.cli.progress import progress
from tagkeras.data import input as data_input
from tagkeras.data.hashtags import normalize
from tagkeras.data.manifest import Manifest, fingerprint
from tagkeras.data.vocabulary import Vocabulary
from tagkeras.evaluate import evaluation
from tagkeras.evaluate.baselines.baselines import BASELINES, make_baselines
from tagkeras.evaluate.curve_scores import MOST_VALUES, CurveScores, default_curve_tags
from tagkeras.evaluate.groups import AGE_BOUNDS, parse_age_bounds
from tagkeras.evaluate.identity import (
    identity_of,
    options_given,
)
from tagkeras.evaluate.oracle import read_oracles
from tagkeras.evaluate.predictions import PredictionsWriter
from tagkeras.evaluate.rankings import rank_split
from tagkeras.evaluate.summary import summarize
from tagkeras.evaluate.tables import print_tables
from tagkeras.evaluate.tag_table import tag_table
from tagkeras.train.restore import restore_model
from tagkeras.train.workdir import Workdir

BATCH_SIZE = 1024


@dataclasses.dataclass(frozen=True, kw_only=True)
class Config:
    """The options of this command."""

    workdir: str = option(help="folder of the training run; its best epoch is evaluated")
    data: str = option(help="dataset folder that beam.preprocess wrote")
    output: str = option(help="folder to write metrics.json and the Parquet files to")
    split: str = option("test", help="posts to rank", choices=("train", "validation", "test"))
    top_k: int | None = option(
        None, help="hashtags to predict; by default 10, or all of a smaller vocabulary", minimum=1
    )
    ks: tuple[str, ...] | None = option(
        None, help="how many predictions metrics count; by default 1 and --top_k"
    )
    baselines: tuple[str, ...] = option(
        BASELINES,
        help=f"rankings to compare with, of {', '.join(BASELINES)}; all but frequency read the"
        " training posts; --baselines= for none",
    )
    neighbour_posts: int = option(
        50_000, help="training posts, drawn at random, that neighbours are sought among", minimum=1
    )
    oracle: str | None = option(None, help="Parquet file of the posts' most probable hashtags")
    curve_tags: int | None = option(
        None,
        help="most frequent tags to have average precision and a curve; by default 400, fewer for"
        " more than 330,000 posts",
        minimum=0,
    )
    tags: tuple[str, ...] = option((), help="other tags to have them")
    age_groups: tuple[str, ...] = option(
        tuple(map(str, AGE_BOUNDS)), help="ages, in years, at which an age group begins"
    )
    bootstrap_samples: int = option(
        1000, help="resamples of users, for the intervals", minimum=100, maximum=10**6
    )


def evaluate(config: Config) -> dict[str, Any]:
    """Ranks, writes all files and returns the content of `metrics.json`.

    Raises:
        UserError: no checkpoint, another dataset, an empty split, or more tags asked for than are.
    """
    dataset, output = Path(config.data), Path(config.output)
    workdir = Workdir(config.workdir)
    model = restore_model(workdir)
    workdir.check_dataset(dataset)
    manifest, vocabulary = Manifest.load(dataset), workdir.vocabulary()
    check_options(config, vocabulary)
    ks, top_k = _choose_ks(config, len(vocabulary))
    age_bounds = parse_age_bounds(config.age_groups)
    batches = data_input.read_split(dataset, manifest, config.split, BATCH_SIZE)
    num_posts = manifest.splits[config.split]["posts"]
    curve_tags = _choose_curve_tags(config, vocabulary, num_posts)
    oracles = read_oracles(Path(config.oracle), vocabulary, max(ks)) if config.oracle else []
    baselines = make_baselines(
        config.baselines,
        dataset,
        manifest,
        num_tags=len(vocabulary),
        k=max(ks),
        age_bounds=age_bounds,
        neighbour_posts=config.neighbour_posts,
    )
    with files.files_written_aside(output, last=evaluation.METRICS) as folder:
        with (
            PredictionsWriter(folder / evaluation.PREDICTIONS, vocabulary.tags) as writer,
            progress("evaluating", num_posts, "posts") as advance,
            data_input.named_errors(dataset),
        ):
            rankings = rank_split(
                model,
                batches,
                [*baselines, *oracles],
                ks=ks,
                curve_scores=CurveScores(curve_tags, num_posts, len(vocabulary)),
                writer=writer,
                top_k=top_k,
                advance=advance,
            )
        summary = summarize(
            rankings,
            ks=ks,
            num_tags=len(vocabulary),
            age_bounds=age_bounds,
            samples=config.bootstrap_samples,
        )
        curves = rankings.curve_scores.curves()
        metrics = {
            **summary,
            "num_posts": num_posts,
            "num_users": len(set(rankings.posts.user_ids)),
            "split": config.split,
            "ks": list(ks),
            "top_k": top_k,
            "model": workdir.config()["model"],
            "epoch": workdir.best_epoch()["epoch"],
            "workdir": str(workdir.path.resolve()),
            "dataset": {
                "path": str(dataset.resolve()),
                "fingerprint": fingerprint(dataset, manifest),
                "distribution": manifest.distribution["name"],
            },
            "neighbour_posts": min(config.neighbour_posts, manifest.splits["train"]["posts"]),
            "identity": identity_of(workdir, config.oracle),
            "options": options_given(config, frozenset({"workdir", "data", "output", "split"})),
        }
        rankings.posts.save(folder / evaluation.POSTS)
        pq.write_table(tag_table(vocabulary, rankings.tag_counts, curves), folder / evaluation.TAGS)
        files.write_text(folder / evaluation.METRICS, json.dumps(metrics, indent=2) + "\n")
    return metrics


def check_options(config: Config, vocabulary: Vocabulary) -> None:
    """Makes sure that options fit a vocabulary, before any work.

    Raises:
        UserError: more tags are asked for than are, or a name or number is none that is taken.
    """
    _choose_ks(config, len(vocabulary))
    parse_age_bounds(config.age_groups)
    _choose_curve_tags(config, vocabulary, num_posts=1)
    if unknown := set(config.baselines) - set(BASELINES):
        raise UserError(f"--baselines={min(unknown)}: give some of {', '.join(BASELINES)}")


def _choose_ks(config: Config, num_tags: int) -> tuple[tuple[int, ...], int]:
    """The k of the metrics, rising, and how many hashtags are written for a post."""
    top_k = config.top_k or min(10, num_tags)
    if top_k > num_tags:
        raise UserError(f"--top_k={top_k}: the vocabulary has {num_tags} tags")
    if config.ks is None:
        return tuple(sorted({1, top_k})), top_k
    text = f"--ks={','.join(config.ks)}"
    if not config.ks or not all(k.isascii() and k.isdigit() and int(k) for k in config.ks):
        raise UserError(f"{text}: give numbers from 1 on, as in --ks=1,5,10")
    ks = tuple(sorted({int(k) for k in config.ks}))
    if ks[-1] > num_tags:
        raise UserError(f"{text}: the vocabulary has {num_tags} tags")
    return ks, top_k


def _choose_curve_tags(config: Config, vocabulary: Vocabulary, num_posts: int) -> np.ndarray:
    """The ids of the tags that have curves."""
    number = config.curve_tags
    if number is None:
        number = default_curve_tags(len(vocabulary), num_posts)
    ids = dict.fromkeys(range(min(number, len(vocabulary))))
    for tag in config.tags:
        if (known := vocabulary.ids.get(normalize(tag))) is None:
            raise UserError(f"--tags={tag}: not in the vocabulary")
        ids[known] = None
    if len(ids) * num_posts > MOST_VALUES and config.curve_tags is not None:
        raise UserError(
            f"--curve_tags={number}: curves of {len(ids)} tags over {num_posts:,} posts take"
            f" {5 * len(ids) * num_posts / 2**30:.1f} GiB: give"
            f" {MOST_VALUES // num_posts} at most"
        )
    return np.array(list(ids), np.int64)


def written(output: str) -> Sequence[str]:
    """The files that `evaluate` writes."""
    names = (evaluation.METRICS, evaluation.PREDICTIONS, evaluation.POSTS, evaluation.TAGS)
    return [f"{output}/{name}" for name in names]


def main(config: Config) -> None:
    """Evaluates, prints the tables and says what was written."""
    print_tables(evaluate(config))
    print(f"wrote {', '.join(written(config.output))}")


if __name__ == "__main__":
    run(main, Config)
