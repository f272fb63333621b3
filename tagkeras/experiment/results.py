"""From the evaluations of all runs to the statistics of each dataset.

A statistic is a float64 [1 + B]: its value on the data, then its values in B bootstrap resamples.
All of an experiment are of the same resamples, so that `a - b` and means of them stay paired: users
are drawn with all their posts in all datasets, seeds for each model and size by itself.
"""

import dataclasses
import zlib
from collections.abc import Callable, Mapping, Sequence, Set
from pathlib import Path

import numpy as np

from tagkeras.cli.errors import UserError
from tagkeras.cli.progress import progress
from tagkeras.evaluate.bootstrap import NORMAL_BOUND, SAMPLES, bootstrap_means, percentiles
from tagkeras.evaluate.evaluation import MODEL, Evaluation
from tagkeras.experiment.spec import Configuration, Run

# Statistics by name, such as `R@10`.
Metrics = Mapping[str, np.ndarray]


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class DatasetResults:
    """The statistics of one dataset, over all models, sizes and seeds.

    Attributes:
        distribution: `natural` or `balanced`.
        ks: numbers of predictions that metrics count, rising.
        models: metrics of each configuration in the order of the grid, means over seeds.
        baselines: metrics of baselines and oracles, by their names in `metrics.json`.
        tags: the Y hashtags of the vocabulary.
        tag_posts: int64 [Y], posts that have each.
        tag_recalls: float64 [Y] of each configuration, means over seeds: the share of a tag's posts
            whose first k predictions contain it; NaN for tags that no post has.
        hashtag_kinds: what each hashtag depends on; None where that is not known.
    """

    name: str
    distribution: str
    num_posts: int
    num_users: int
    ks: tuple[int, ...]
    seeds: tuple[int, ...]
    models: Mapping[Configuration, Metrics]
    baselines: Mapping[str, Metrics]
    tags: tuple[str, ...]
    tag_posts: np.ndarray
    tag_recalls: Mapping[Configuration, np.ndarray]
    hashtag_kinds: Mapping[str, str] | None = None

    @property
    def shown_metrics(self) -> tuple[str, str, str]:
        """R@10, by which verdicts go, P@1 and A@10, as in the paper, or the closest to them."""
        return f"R@{self.ks[-1]}", f"P@{self.ks[0]}", f"A@{self.ks[-1]}"

    def dims(self, *models: str) -> list[int]:
        """The embedding sizes that all of these models were trained in, rising."""
        sizes = [{size.embedding_dim for size in self.models if size.model == m} for m in models]
        return sorted(set.intersection(*sizes))

    def mean(
        self,
        model: str,
        dims: Sequence[int],
        metrics: Sequence[str] = (),
        ranks: Set[int] = frozenset(),
    ) -> np.ndarray:
        """Metrics of a model, by default `shown_metrics`: float64 [metrics, 1 + B].

        They are means over embedding sizes, and within each over its ranks, or some of them.
        """
        values = {
            size: np.stack([found[metric] for metric in metrics or self.shown_metrics])
            for size, found in self.models.items()
            if size.model == model and (not ranks or size.rank in ranks)
        }
        return over_sizes(values, model, dims)


def over_sizes(
    values: Mapping[Configuration, np.ndarray], model: str, dims: Sequence[int]
) -> np.ndarray:
    """The mean of a model's values over embedding sizes, and within each over ranks."""
    of_dims = [[values[size] for size in values if size[:2] == (model, dim)] for dim in dims]
    return np.mean([np.mean(of_dim, axis=0) for of_dim in of_dims], axis=0)


def interval(statistic: np.ndarray) -> tuple[float, float]:
    """Low and high of the 95% percentile interval of a statistic."""
    low, high = percentiles(statistic[1:, np.newaxis])[0]
    return float(low), float(high)


def p_value(statistic: np.ndarray) -> float:
    """Of the hypothesis that a statistic is 0, two-sided.

    Twice the share of resamples on the rarer side of 0, with one more resample counted there: it is
    never below 2 / (B + 1).
    """
    samples = statistic[1:][~np.isnan(statistic[1:])]
    rarer = min(int((samples <= 0).sum()), int((samples >= 0).sum()))
    return min(1.0, 2 * (1 + rarer) / (1 + len(samples)))


def over_seeds(runs: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The mean over seeds of a statistic, float [S, 1 + B], resampled over the seeds as well.

    In each resample S - 1 of the S seeds are drawn with replacement: S of them would make the
    variance too small by a factor of (S - 1) / S (Rao and Wu, "Resampling inference with complex
    survey data", JASA, 1988). Users and seeds are drawn together as in Owen, "The pigeonhole
    bootstrap" (Annals of Applied Statistics, 2007). A single seed is taken as it is.
    """
    values, samples = runs[:, 0], runs[:, 1:]
    num_seeds, num_samples = samples.shape
    if num_seeds > 1:
        drawn = rng.integers(num_seeds, size=(num_samples, num_seeds - 1))
        samples = samples[drawn, np.arange(num_samples)[:, np.newaxis]].T
    return np.append(values.mean(), samples.mean(axis=0))


def normal_resamples(
    value: float, bounds: Sequence[float], samples: int, rng: np.random.Generator
) -> np.ndarray:
    """A statistic of which only value and interval are known: coverage and entropy.

    Resamples are normal around the value and as wide as the interval, one side of which may be cut
    off at what the statistic can be. Those of different runs are independent.
    """
    spread = max(value - bounds[0], bounds[1] - value) / NORMAL_BOUND
    return np.append(value, rng.normal(value, spread, samples))


def collect_results(
    folder: Path,
    runs: Sequence[Run],
    kinds: Mapping[str, Mapping[str, str]],
    *,
    samples: int = SAMPLES,
    seed: int = 0,
) -> list[DatasetResults]:
    """Reads the evaluations of an experiment's runs, and resamples their users and seeds B times.

    `kinds` are what hashtags depend on, for each dataset where that is known.

    Raises:
        UserError: an evaluation is missing or damaged, or those of a dataset do not match.
    """
    evaluations: dict[str, dict[Run, Evaluation]] = {}
    for run in runs:
        loaded = Evaluation.load(folder / run.evaluation)
        first = next(iter(evaluations.setdefault(run.dataset, {run: loaded}).values()))
        if _identity(first) != _identity(loaded):
            raise UserError(
                f"{loaded.path} is of other posts or metrics than {first.path}:"
                " remove both folders and give the same command again"
            )
        evaluations[run.dataset][run] = loaded
    firsts = [next(iter(of_dataset.values())) for of_dataset in evaluations.values()]
    users = np.unique(np.concatenate([first.posts.user_ids for first in firsts]))
    with progress("resampling users and seeds", len(runs), "runs") as advance:
        return [
            _collect(name, of_dataset, users, kinds.get(name), samples, seed, advance)
            for name, of_dataset in evaluations.items()
        ]


def _identity(evaluation: Evaluation) -> list[object]:
    metrics = evaluation.metrics
    return [metrics["dataset"]["fingerprint"], *(metrics[n] for n in ("num_posts", "split", "ks"))]


def _resample_users(
    evaluation: Evaluation, ranking: str, users: np.ndarray, samples: int, seed: int
) -> Metrics:
    """The metrics of one run's model or baseline; the same `users` and seed, the same draws."""
    posts, metrics = evaluation.posts, evaluation.metrics
    scores = posts.scores(ranking, metrics["ks"])
    numbers, columns = np.searchsorted(users, posts.user_ids), np.stack([*scores.values()], axis=1)
    means = bootstrap_means(numbers, columns, samples, seed, num_users=len(users))
    found = {
        name: np.append(scores[name].mean(), resampled)
        for name, resampled in zip(scores, means.T, strict=True)
    }
    values = metrics if ranking == MODEL else metrics[ranking]
    run = f"{metrics['dataset']['fingerprint']}/{Path(metrics['workdir']).name}"
    for name, bounds in metrics["intervals"][ranking].items():
        if name not in found:
            rng = _generator(seed, f"{run}/{ranking}/{name}")
            found[name] = normal_resamples(values[name], bounds, samples, rng)
    return found


def _generator(seed: int, name: str) -> np.random.Generator:
    return np.random.default_rng([seed, zlib.crc32(name.encode())])


def _collect(
    name: str,
    evaluations: Mapping[Run, Evaluation],
    users: np.ndarray,
    kinds: Mapping[str, str] | None,
    samples: int,
    seed: int,
    advance: Callable[[int], None],
) -> DatasetResults:
    models: dict[Configuration, list[Metrics]] = {}
    recalls: dict[Configuration, list[np.ndarray]] = {}
    baselines: dict[str, Metrics] = {}
    first = next(iter(evaluations.values()))
    tag_posts, ks = first.tags.column("truth").to_numpy(), tuple(first.metrics["ks"])
    for run, evaluation in evaluations.items():
        # Read anew and dropped after this turn: the posts of all runs may not fit in memory.
        loaded = Evaluation(evaluation.path, evaluation.metrics)
        for ranking in [name for name in loaded.posts.hits if name not in baselines]:
            metrics = _resample_users(loaded, ranking, users, samples, seed)
            if ranking == MODEL:
                models.setdefault(run.configuration, []).append(metrics)
            else:
                baselines[ranking] = metrics
        hits = loaded.tags.column(f"hits@{ks[-1]}").to_numpy()
        shares = np.where(tag_posts > 0, hits / np.maximum(tag_posts, 1), np.nan)
        recalls.setdefault(run.configuration, []).append(shares)
        advance(1)

    def mean_metrics(configuration: Configuration) -> Metrics:
        """Means over seeds; in each resample, all metrics are of the same seeds."""
        of_seeds, draws = models[configuration], f"{name}/{configuration.name}"
        return {
            metric: over_seeds(np.stack([m[metric] for m in of_seeds]), _generator(seed, draws))
            for metric in of_seeds[0]
        }

    return DatasetResults(
        name=name,
        distribution=first.metrics["dataset"]["distribution"],
        num_posts=first.metrics["num_posts"],
        num_users=len(set(first.posts.user_ids)),
        ks=ks,
        seeds=tuple(sorted({run.seed for run in evaluations})),
        models={configuration: mean_metrics(configuration) for configuration in models},
        baselines=baselines,
        tags=tuple(first.tags.column("tag").to_pylist()),
        tag_posts=tag_posts,
        tag_recalls={size: np.mean(found, axis=0) for size, found in recalls.items()},
        hashtag_kinds=kinds,
    )
