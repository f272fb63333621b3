"""Compares training with LightFM's: positives per second, and quality after the same time.

    pip install -c constraints.txt '.[bench]'
    python -m benchmarks.against_lightfm --seconds=60

Both learn d = 64 with WARP and at most 1,000 draws, on the same posts in memory and on as many
threads. To LightFM a post is a user whose features are its descriptor, of length 1 as the models'
first layer makes it, and its user's descriptor; hashtags are items. tagkeras is the multiplicative
model with the defaults of `tagkeras.train`.

Speed: posts of one hashtag each of a large vocabulary, the same rows in turn, for the first pass
(early) and for another after both have trained for `--seconds` (late). Building TensorFlow's graph
is left out. Rates per CPU second are what to read on a machine that is shared.

Quality: unseen posts of `benchmarks.planted`, after training for `--seconds`; building the graph
counts, and the learning rate falls linearly over that time. LightFM is trained as long with each of
`--learning_rates`, and once with its own default of ten draws; all models in turn. Of LightFM the
best value of each metric counts.

Prints one JSON object.
"""

import dataclasses
import json
import os
import sys

import numpy as np
import tensorflow as tf

from benchmarks import lightfm_trainer, planted, post_arrays
from benchmarks.exact_ranking import mean_draws, rank, rank_by_frequency, score
from benchmarks.lightfm_trainer import LightFMTrainer
from benchmarks.stopwatch import Stopwatch
from benchmarks.tagkeras_trainer import TagkerasTrainer
from benchmarks.turns import Trainer, train_in_turn, whole_batches
from tagkeras.cli.commandline import option, run
from tagkeras.cli.errors import UserError

MAX_NEGATIVES = 1000
DEFAULT_MAX_SAMPLED = 10
# Posts in a timed turn: enough that what a call of LightFM costs beside its positives is nothing,
# and that neither model has to do with what the other has left in the caches.
TURN = 8192
# Posts by which the mean number of draws is found.
DRAWS_SEEN_BY = 256
PARTS = ("speed", "quality")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Config:
    """The options of this command."""

    seconds: float = option(60.0, help="training time of each model", minimum=1)
    threads: int = option(2, help="threads of each side", minimum=1)
    descriptor_size: int = option(4096, help="n", minimum=1)
    speed_posts: int = option(32_768, help="posts in a timed pass", minimum=TURN)
    speed_tags: int = option(100_000, help="Y of the timed passes", minimum=50)
    train_posts: int = option(20_000, help="planted posts to learn from", minimum=2048)
    test_posts: int = option(2000, help="planted posts to evaluate on", minimum=1)
    quality_tags: int = option(10_000, help="Y of the planted posts", minimum=20)
    learning_rates: tuple[str, ...] = option(
        ("0.01", "0.05", "0.2"), help="of LightFM, for quality; its default is 0.05"
    )
    parts: tuple[str, ...] = option(PARTS, help="what to compare: speed, quality")


def main(config: Config) -> None:
    """Compares and prints."""
    version = lightfm_trainer.check_installed()
    if unknown := set(config.parts) - set(PARTS):
        raise UserError(f"--parts={unknown.pop()}: the parts are {', '.join(PARTS)}")
    tf.config.set_visible_devices([], "GPU")
    tf.config.threading.set_intra_op_parallelism_threads(config.threads)
    tf.config.threading.set_inter_op_parallelism_threads(config.threads)
    result = {"benchmark": "against_lightfm", "cores": os.cpu_count(), "lightfm": version}
    result |= dataclasses.asdict(config)
    if "speed" in config.parts:
        result["speed"] = compare_speed(config)
    if "quality" in config.parts:
        result["quality"] = compare_quality(config)
    print(json.dumps(result))


def compare_speed(config: Config) -> dict[str, object]:
    """Positives per second of both, early and late in training."""
    posts = post_arrays.draw_posts(config.speed_posts, config.descriptor_size, config.speed_tags)
    trainers: dict[str, Trainer] = {
        "lightfm": LightFMTrainer(posts, config.speed_tags, threads=config.threads),
        "tagkeras": TagkerasTrainer(posts, config.speed_tags),
    }
    trainers["tagkeras"].train(np.arange(TagkerasTrainer.batch_size))  # builds the graph
    rng = np.random.default_rng(0)
    result = {"early": _time_pass(trainers, posts, rng)}
    _say(f"speed: both train for {config.seconds:g} s")
    train_in_turn(list(trainers.values()), len(posts), config.seconds)
    result["late"] = _time_pass(trainers, posts, rng)
    return result


def _time_pass(
    trainers: dict[str, Trainer], posts: post_arrays.PostArrays, rng: np.random.Generator
) -> dict[str, object]:
    """A pass of both, chunk by chunk in turn, so that other work on the machine slows both."""
    before = {name: t.positives for name, t in trainers.items()}
    for trainer in trainers.values():
        trainer.watch = Stopwatch()
    for rows in whole_batches(len(posts), TURN, rng):
        for trainer in trainers.values():
            trainer.train(rows)
    some = posts[:DRAWS_SEEN_BY]
    result: dict[str, dict[str, float]] = {}
    for name, trainer in trainers.items():
        positives = trainer.positives - before[name]
        result[name] = {
            "positives/s": round(positives / trainer.watch.seconds),
            "positives/cpu second": round(positives / trainer.watch.cpu_seconds),
            "seconds": round(trainer.watch.seconds, 2),
            "draws a positive at the end": mean_draws(
                trainer.embed(some), some.tags, trainer.margin, MAX_NEGATIVES
            ),
        }
        _say(f"speed: {name} {result[name]}")
    ratios = {
        f"ratio of {rate}": round(result["tagkeras"][rate] / result["lightfm"][rate], 1)
        for rate in ("positives/s", "positives/cpu second")
    }
    return {**result, **ratios}


def compare_quality(config: Config) -> dict[str, object]:
    """P@1, R@10 and A@10 on unseen posts after the same time."""
    drawn = planted.plant(
        planted.Config(
            output="",
            posts=config.train_posts + config.test_posts,
            descriptor_size=config.descriptor_size,
            tags=config.quality_tags,
        )
    )
    posts = post_arrays.describe_planted(drawn)
    train, test = posts[: config.train_posts], posts[config.train_posts :]
    frequent = rank_by_frequency(train.tags, config.quality_tags, len(test))
    result: dict[str, object] = {
        "frequency_baseline": score(frequent, test.tags),
        "oracle": score(drawn.oracle[config.train_posts :], test.tags),
    }
    grid = [(float(rate), MAX_NEGATIVES) for rate in config.learning_rates]
    grid.append((0.05, DEFAULT_MAX_SAMPLED))
    features = lightfm_trainer.make_features(train)
    trainers: list[Trainer] = [TagkerasTrainer(train, config.quality_tags)]
    for learning_rate, max_sampled in grid:
        options = {"learning_rate": learning_rate, "max_sampled": max_sampled}
        trainers.append(
            LightFMTrainer(
                train, config.quality_tags, threads=config.threads, features=features, **options
            )
        )
    _say(f"quality: {len(trainers)} models train for {config.seconds:g} s each, in turn")
    train_in_turn(trainers, len(train), config.seconds)
    positives = sum(map(len, train.tags))
    ours, *theirs = (
        {
            "seconds": round(trainer.watch.seconds, 1),
            "cpu_seconds": round(trainer.watch.cpu_seconds, 1),
            "passes": round(trainer.positives / positives, 2),
            **score(rank(trainer.embed(test)), test.tags),
        }
        for trainer in trainers
    )
    runs = [
        {"learning_rate": learning_rate, "max_sampled": max_sampled, **values}
        for (learning_rate, max_sampled), values in zip(grid, theirs, strict=True)
    ]
    best = {name: max(values[name] for values in theirs) for name in ("P@1", "R@10", "A@10")}
    better = {name: ours[name] > value for name, value in best.items()}
    return {**result, "tagkeras": ours, "lightfm": best, "better": better, "lightfm runs": runs}


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    run(main, Config)
