"""Evaluates a run: ranks a split, scores the rankings, writes the folder of the evaluation."""

import dataclasses
import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq

from tagkeras.cli import files
from tagkeras.cli.errors import UserError
from tagkeras.cli.progress import progress
from tagkeras.data import input as data_input
from tagkeras.data.hashtags import normalize
from tagkeras.data.manifest import Manifest, fingerprint
from tagkeras.data.vocabulary import Vocabulary
from tagkeras.evaluate import evaluation
from tagkeras.evaluate.baselines import make_baselines
from tagkeras.evaluate.config import BASELINES, Config
from tagkeras.evaluate.evaluation import WITHOUT_FACTS, EvaluatedPosts
from tagkeras.evaluate.groups import parse_age_bounds
from tagkeras.evaluate.oracle import read_oracles
from tagkeras.evaluate.rankings import rank_split
from tagkeras.evaluate.summary import summarize
from tagkeras.evaluate.tag_metrics import MOST_VALUES, CurveScores, default_curve_tags, tag_table
from tagkeras.metrics import TagCounts
from tagkeras.train.model import restore_model
from tagkeras.train.workdir import Workdir

FILES = (evaluation.METRICS, evaluation.PREDICTIONS, evaluation.POSTS, evaluation.TAGS)
BATCH_SIZE = 1024


def evaluate(config: Config) -> dict[str, Any]:
    """Ranks, writes all files and returns the content of `metrics.json`.

    Raises:
        UserError: no checkpoint, another dataset, an empty split, or options that do not fit.
    """
    dataset, output = Path(config.data), Path(config.output)
    workdir = Workdir(config.workdir)
    model = restore_model(workdir)
    workdir.check_dataset(dataset)
    manifest, vocabulary = Manifest.load(dataset), workdir.vocabulary()
    num_tags = len(vocabulary)
    batches = data_input.read_split(dataset, manifest, config.split, BATCH_SIZE)
    num_posts = manifest.splits[config.split]["posts"]
    ks, top_k, age_bounds, curve_tags = parse_options(config, vocabulary, num_posts)
    oracles = read_oracles(Path(config.oracle), vocabulary, max(ks)) if config.oracle else {}
    baselines = make_baselines(
        config.baselines,
        dataset,
        manifest,
        num_tags=num_tags,
        k=max(ks),
        age_bounds=age_bounds,
        neighbour_posts=config.neighbour_posts,
    )
    sees_users = workdir.config()["model"] != "bilinear" and any(manifest.varies)
    tag_counts = [TagCounts(num_tags, k) for k in ks]
    curve_scores = CurveScores(curve_tags, num_posts, num_tags)
    with files.files_written_aside(output, last=evaluation.METRICS) as folder:
        with (
            progress("evaluating", num_posts, "posts") as advance,
            data_input.named_errors(dataset),
        ):
            posts, predictions = rank_split(
                model,
                batches,
                baselines | oracles,
                unknown=manifest.facts.unknown if sees_users else None,
                tag_counts=tag_counts,
                curve_scores=curve_scores,
                vocabulary=vocabulary,
                output=folder / evaluation.PREDICTIONS,
                top_k=top_k,
                advance=advance,
                facts=manifest.facts.facts,
            )
        posts, without_facts = _split_without_facts(posts, ks)
        summary = summarize(
            posts,
            predictions,
            ks=ks,
            num_tags=num_tags,
            age_bounds=age_bounds,
            masked_facts=manifest.masked_facts,
            samples=config.bootstrap_samples,
        )
        metrics = {
            **summary,
            **without_facts,
            "num_posts": num_posts,
            "num_users": len(set(posts.user_ids)),
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
            "options": _options_given(config),
        }
        posts.save(folder / evaluation.POSTS)
        tags = tag_table(vocabulary, tag_counts, curve_scores.curves())
        pq.write_table(tags, folder / evaluation.TAGS)
        files.write_text(folder / evaluation.METRICS, json.dumps(metrics, indent=2) + "\n")
    return metrics


def _split_without_facts(
    posts: EvaluatedPosts, ks: Sequence[int]
) -> tuple[EvaluatedPosts, dict[str, dict[str, float]]]:
    """The posts without the ranking for unknown users, and its averages for `metrics.json`."""
    hits = dict(posts.hits)
    if hits.pop(WITHOUT_FACTS, None) is None:
        return posts, {}
    scores = posts.scores(WITHOUT_FACTS, ks)
    names = (f"P@{ks[0]}", f"R@{ks[-1]}", f"A@{ks[-1]}")
    averages = {name: float(scores[name].mean()) for name in names}
    return dataclasses.replace(posts, hits=hits), {WITHOUT_FACTS: averages}


def parse_options(
    config: Config, vocabulary: Vocabulary, num_posts: int = 1
) -> tuple[tuple[int, ...], int, tuple[float, ...], np.ndarray]:
    """The k of the metrics, `top_k`, the ages at which groups begin, and the tags of curves.

    Raises:
        UserError: more tags are asked for than there are, or a name or number is not accepted.
    """
    if unknown := set(config.baselines) - set(BASELINES):
        raise UserError(f"--baselines={min(unknown)}: give some of {', '.join(BASELINES)}")
    age_bounds = parse_age_bounds(config.age_groups)
    curve_tags = _choose_curve_tags(config, vocabulary, num_posts)
    return *_choose_ks(config, len(vocabulary)), age_bounds, curve_tags


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


def identity_of(workdir: Workdir, oracle: str | None) -> dict[str, str | None]:
    """What an evaluation is of, but for the posts: hashes of `weights` and of the `oracle` file."""
    return {
        # The index of a checkpoint has the CRCs of its weights.
        "weights": _hash(workdir.best / "model.index")[:16],
        "oracle": None if oracle is None else _hash(Path(oracle)),
    }


def _options_given(config: Config) -> dict[str, Any]:
    """The options that are not at their defaults, but for those that have a place of their own."""
    given = {}
    for field in dataclasses.fields(config):
        value = getattr(config, field.name)
        if value != field.default and field.name not in ("workdir", "data", "output", "split"):
            given[field.name] = list(value) if isinstance(value, tuple) else value
    return given


def _hash(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
