"""The models beside what people would use instead, on posts of one's own.

    pip install -c constraints.txt '.[bench]'
    python -m benchmarks.real --posts=posts.parquet

takes posts as `beam.preprocess` does, and hands on to it the flags that it does not know. For each
seed, another split by users, the test posts are ranked by ridge regression (on the image, and on
image and facts), by LightFM (descriptor and facts as features), by the baselines of
`tagkeras.evaluate`, and by the models: trained with the defaults of `tagkeras.train`, the same with
all facts of the users left out, and trained with the full softmax.

What is not at its default (a strength, a rate, a pass; of softmax the norm too) is chosen by R@10
of the validation posts. Shows a table and prints one JSON object: means over the seeds, intervals
by bootstrap over the users of all seeds together, and mean seconds of the training that was chosen;
those of `tagkeras.train` are of its whole process.
"""

import dataclasses
import itertools
import json
import operator
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf
from rich.console import Console

from benchmarks import lightfm_trainer
from benchmarks.exact_ranking import K, rank
from benchmarks.post_arrays import PostArrays, normalised
from benchmarks.processes import run_module
from benchmarks.ridge import Ridge
from tagkeras.cli.commandline import option, run
from tagkeras.cli.console import fitting, number_table
from tagkeras.cli.errors import UserError
from tagkeras.data.input import read_split
from tagkeras.data.manifest import Manifest
from tagkeras.data.records import Batch
from tagkeras.data.user import UNKNOWN_USER
from tagkeras.evaluate.baselines import make_baselines
from tagkeras.evaluate.bootstrap import bootstrap_means, percentiles
from tagkeras.evaluate.config import AGE_BOUNDS, BASELINES
from tagkeras.explain.counterfactuals import describe_users
from tagkeras.metrics import AccuracyAtK, PrecisionAtK, RecallAtK, find_hits
from tagkeras.names import MODELS
from tagkeras.train.model import restore_model
from tagkeras.train.workdir import Workdir

PARTS = ("ridge", "lightfm", "baselines", "warp", "softmax")
METRICS = (PrecisionAtK(1), RecallAtK(K), AccuracyAtK(K))
NAMES = tuple(metric.name for metric in METRICS)
CHOOSES = f"R@{K}"
STRENGTHS = (0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 100.0)
MAX_NORMS = (1, 0)
NEIGHBOUR_POSTS = 50_000
BATCH = 1024
# Of the ids, so that a user is the same under all seeds.
ID_KEY = "a key that is no secret"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Config:
    """The options of this command."""

    posts: str = option(help="posts, as beam.preprocess takes them")
    seeds: int = option(3, help="splits of the posts, and trainings of each model", minimum=1)
    parts: tuple[str, ...] = option(PARTS, help=f"what to compare, of {', '.join(PARTS)}")
    models: tuple[str, ...] = option(MODELS, help="of tagkeras.train")
    lightfm_rates: tuple[str, ...] = option(("0.02", "0.05"), help="to choose among")
    lightfm_passes: int = option(15, help="the most to choose", minimum=1)
    softmax_rates: tuple[str, ...] = option(("0.02", "0.2"), help="to try beside the default one")
    folder: str | None = option(
        None, help="keeps datasets and runs; those that are there are not made again"
    )


class Ranked(NamedTuple):
    """How a method ranks the test posts.

    Attributes:
        tags: int [N, 10], ids, best first.
        seconds: of training.
        chosen: what validation chose, by name.
    """

    tags: np.ndarray
    seconds: float
    chosen: Mapping[str, Any] = {}


class Split:
    """A split of a dataset in memory.

    Attributes:
        batches: as `tagkeras.data.input.read_split` makes them.
        user_ids: bytes [N].
        posts: the N posts as arrays.
    """

    def __init__(self, dataset: Path, name: str) -> None:
        self.batches: list[Batch] = list(read_split(dataset, Manifest.load(dataset), name, BATCH))
        self._tags = tf.concat([batch["tags"] for batch in self.batches], axis=0)
        self._num_truth = self._tags.row_lengths() + self._join("out_of_vocabulary")
        self.user_ids = self._join("user_id")
        self.posts = PostArrays(
            normalised(self._join("descriptor")),
            self._join("user_descriptor"),
            np.split(self._tags.flat_values.numpy(), self._tags.row_splits.numpy()[1:-1]),
        )

    def _join(self, name: str) -> np.ndarray:
        return np.concatenate([batch[name].numpy() for batch in self.batches])

    def score(self, tags: np.ndarray) -> np.ndarray:
        """`METRICS` of each post for predictions int [N, 10]: float64 [N, 3]."""
        hits = find_hits(tf.constant(tags, tf.int64), self._tags)
        columns = [metric.score_posts(hits, self._num_truth) for metric in METRICS]
        return np.stack(columns, axis=1).astype(np.float64)

    def worth(self, tags: np.ndarray) -> float:
        """What choices are made by."""
        return float(self.score(tags)[:, NAMES.index(CHOOSES)].mean())


class Comparison:
    """The methods on the dataset of one seed."""

    def __init__(self, config: Config, folder: Path, seed: int) -> None:
        self._config, self._folder, self._seed = config, folder, seed
        self._dataset = folder / "dataset"
        self._manifest = Manifest.load(self._dataset)
        self._num_tags = self._manifest.num_tags
        self._train, self._validation, self.test = (
            Split(self._dataset, name) for name in ("train", "validation", "test")
        )

    def rank(self) -> Iterator[tuple[str, Ranked]]:
        """Trains and ranks by the methods that are asked for, by name."""
        parts = self._config.parts
        if "ridge" in parts:
            yield "ridge, image", self._ridge(lambda posts: posts.descriptors)
            yield (
                "ridge, image and facts",
                self._ridge(lambda posts: np.hstack([posts.descriptors, posts.user_descriptors])),
            )
        if "lightfm" in parts:
            yield "LightFM", self._lightfm()
        for name in BASELINES if "baselines" in parts else ():
            yield f"{name} baseline", self._baseline(name)
        for model in self._config.models if "warp" in parts else ():
            workdir, seconds = self._train_model(model=model)
            yield f"{model}, WARP", Ranked(self._rank_by(workdir), seconds)
            yield f"{model}, WARP, no facts", Ranked(self._rank_by(workdir, facts=False), seconds)
        for model in self._config.models if "softmax" in parts else ():
            yield f"{model}, softmax", self._softmax(model)

    def _ridge(self, features: Callable[[PostArrays], np.ndarray]) -> Ranked:
        train, validation, test = (
            features(split.posts) for split in (self._train, self._validation, self.test)
        )
        start = time.perf_counter()
        ridge = Ridge(train, self._train.posts.tags, self._num_tags)
        seconds = time.perf_counter() - start
        worth = {s: self._validation.worth(rank(ridge.embed(validation, s))) for s in STRENGTHS}
        best = max(worth, key=worth.__getitem__)
        return Ranked(rank(ridge.embed(test, best)), seconds, {"strength": best})

    def _lightfm(self) -> Ranked:
        features = lightfm_trainer.make_features(self._train.posts)
        runs: list[tuple[float, Ranked]] = []
        for rate in self._config.lightfm_rates:
            trainer = lightfm_trainer.LightFMTrainer(
                self._train.posts,
                self._num_tags,
                threads=os.cpu_count() or 1,
                learning_rate=float(rate),
                features=features,
            )
            for passes in range(1, self._config.lightfm_passes + 1):
                trainer.train(np.arange(len(self._train.posts)))
                worth = self._validation.worth(rank(trainer.embed(self._validation.posts)))
                tags = rank(trainer.embed(self.test.posts))
                chosen = {"learning_rate": rate, "passes": passes}
                runs.append((worth, Ranked(tags, trainer.watch.seconds, chosen)))
        return max(runs, key=operator.itemgetter(0))[1]

    def _baseline(self, name: str) -> Ranked:
        start = time.perf_counter()
        ((_, ranker),) = make_baselines(
            (name,),
            self._dataset,
            self._manifest,
            num_tags=self._num_tags,
            k=K,
            age_bounds=AGE_BOUNDS,
            neighbour_posts=NEIGHBOUR_POSTS,
        ).items()
        seconds = time.perf_counter() - start
        return Ranked(np.concatenate([*map(ranker, self.test.batches)]), seconds)

    def _softmax(self, model: str) -> Ranked:
        rates = [{}, *({"learning_rate": rate} for rate in self._config.softmax_rates)]
        runs = []
        for max_norm, rate in itertools.product(MAX_NORMS, rates):
            flags = {"max_norm": max_norm, **rate}
            workdir, seconds = self._train_model(model=model, loss="softmax", **flags)
            runs.append((workdir.best_epoch()[f"val_{CHOOSES}"], workdir, seconds, flags))
        _, workdir, seconds, flags = max(runs, key=operator.itemgetter(0))
        return Ranked(self._rank_by(workdir), seconds, flags)

    def _train_model(self, **flags: object) -> tuple[Workdir, float]:
        """A run of `tagkeras.train`, and its seconds."""
        workdir = self._folder / "-".join(map(str, flags.values()))
        done = self._folder / f"{workdir.name}.seconds"
        if not done.exists():
            paths = {"data": self._dataset, "workdir": workdir}
            usage = run_module("tagkeras.train", **paths, seed=self._seed, **flags)
            done.write_text(f"{usage.seconds}")
        return Workdir(workdir), float(done.read_text())

    def _rank_by(self, workdir: Workdir, *, facts: bool = True) -> np.ndarray:
        model, ranked = restore_model(workdir), []
        for batch in self.test.batches:
            if not facts:
                nobody = [UNKNOWN_USER] * len(batch["post_id"])
                batch = {**batch, "user_descriptor": describe_users(nobody, self._manifest)}
            ranked.append(model.top_k(model(batch), K)[1].numpy())
        return np.concatenate(ranked)


def main(config: Config, preprocessing: Sequence[str]) -> None:
    """Compares, shows and prints."""
    if unknown := set(config.parts) - set(PARTS):
        raise UserError(f"--parts={unknown.pop()}: the parts are {', '.join(PARTS)}")
    result = {"benchmark": "real", "cores": os.cpu_count(), **dataclasses.asdict(config)}
    if "lightfm" in config.parts:
        result["lightfm"] = lightfm_trainer.check_installed()
    tf.config.set_visible_devices([], "GPU")
    os.environ.setdefault("TAGKERAS_ID_KEY", ID_KEY)
    user_ids: list[np.ndarray] = []
    scores: dict[str, list[np.ndarray]] = {}
    ranked: dict[str, list[Ranked]] = {}
    with tempfile.TemporaryDirectory() as aside:
        for seed in range(config.seeds):
            folder = Path(config.folder or aside) / f"seed{seed}"
            if not (folder / "dataset").exists():
                flags = {"input": config.posts, "output": folder / "dataset", "split_seed": seed}
                run_module("beam.preprocess", *preprocessing, **flags)
            comparison = Comparison(config, folder, seed)
            user_ids.append(comparison.test.user_ids)
            for name, method in comparison.rank():
                ranked.setdefault(name, []).append(method)
                scores.setdefault(name, []).append(comparison.test.score(method.tags))
                means = scores[name][-1].mean(axis=0).round(4)
                print(f"seed {seed}: {name}: {means}", file=sys.stderr, flush=True)
    _, users = np.unique(np.concatenate(user_ids), return_inverse=True)
    methods = {name: _summarise(scores[name], users, ranked[name]) for name in ranked}
    _show(methods, title=f"{len(users):,} test posts, --seeds={config.seeds}")
    print(json.dumps({**result, "test_posts": len(users), "methods": methods}))


def _summarise(
    scores: Sequence[np.ndarray], users: np.ndarray, ranked: Sequence[Ranked]
) -> dict[str, Any]:
    """What is printed of a method, from the scores [N, 3] of each seed and all N's users."""
    by_seed = np.stack([values.mean(axis=0) for values in scores])
    bounds = percentiles(bootstrap_means(users, np.concatenate(scores)))
    return {
        **dict(zip(NAMES, by_seed.mean(axis=0).round(4).tolist(), strict=True)),
        "intervals": dict(zip(NAMES, bounds.round(4).tolist(), strict=True)),
        "seconds": round(float(np.mean([method.seconds for method in ranked])), 1),
        "by_seed": dict(zip(NAMES, by_seed.T.round(4).tolist(), strict=True)),
        "chosen": [method.chosen for method in ranked],
    }


def _show(methods: Mapping[str, Mapping[str, Any]], title: str) -> None:
    """The table, on standard error."""
    columns = itertools.chain.from_iterable((name, "95% interval") for name in NAMES)
    table = number_table("ranked by", *columns, "seconds", title=title)
    for name, row in methods.items():
        cells = []
        for metric in NAMES:
            low, high = row["intervals"][metric]
            cells += [f"{100 * row[metric]:.1f}", f"{100 * low:.1f}-{100 * high:.1f}"]
        table.add_row(name, *cells, f"{row['seconds']:.1f}")
    fitting(Console(file=sys.stderr)).print(table)


if __name__ == "__main__":
    run(main, Config, pass_unknown=True)
