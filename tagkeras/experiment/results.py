"""From the evaluations of all runs to the statistics of each dataset."""

import dataclasses
import zlib
from collections.abc import Callable, Mapping, Sequence, Set
from pathlib import Path

import numpy as np

from tagkeras.cli.errors import UserError
from tagkeras.cli.progress import progress
from tagkeras.evaluate.bootstrap import SAMPLES
from tagkeras.evaluate.evaluation import MODEL, POSTS, EvaluatedPosts, Evaluation
from tagkeras.experiment.resampling import Metrics, over_seeds, resample_users
from tagkeras.experiment.runs import Configuration, Run


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class DatasetResults:
    """The statistics of one dataset, over all models, sizes and seeds.

    Attributes:
        name: in the specification.
        distribution: `natural` or `balanced`.
        num_posts: that were evaluated.
        num_users: of these posts.
        ks: numbers of predictions that metrics count, rising.
        seeds: of the runs.
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
    def headline(self) -> str:
        """The metric that verdicts go by: recall at the largest k."""
        return f"R@{self.ks[-1]}"

    @property
    def shown_metrics(self) -> tuple[str, str, str]:
        """P@1, R@10 and A@10, which the paper reports, or the closest to them."""
        return f"P@{self.ks[0]}", self.headline, f"A@{self.ks[-1]}"

    @property
    def headline_first(self) -> list[str]:
        """The shown metrics in the order in which findings name them."""
        return sorted(self.shown_metrics, key=lambda metric: metric != self.headline)

    def dims(self, *models: str) -> list[int]:
        """The embedding sizes that all of these models were trained in, rising."""
        sizes = [{size.embedding_dim for size in self.models if size.model == m} for m in models]
        return sorted(set.intersection(*sizes))

    def mean(self, model: str, dims: Sequence[int], ranks: Set[int] | None = None) -> Metrics:
        """The metrics of a model: means over embedding sizes, and within each over ranks.

        Args:
            model: such as `bilinear`.
            dims: that it was trained in.
            ranks: that count; None for all.
        """
        sizes = [size for size in self.models if ranks is None or size.rank in ranks]
        first = next(size for size in sizes if size.model == model)
        return {
            metric: over_sizes({size: self.models[size][metric] for size in sizes}, model, dims)
            for metric in self.models[first]
        }


def over_sizes(
    values: Mapping[Configuration, np.ndarray], model: str, dims: Sequence[int]
) -> np.ndarray:
    """The mean of a model's values over embedding sizes, and within each over ranks."""
    by_dim = [
        [
            value
            for size, value in values.items()
            if (size.model, size.embedding_dim) == (model, dim)
        ]
        for dim in dims
    ]
    return np.mean([np.mean(of_dim, axis=0) for of_dim in by_dim], axis=0)


def collect_results(
    folder: Path,
    runs: Sequence[Run],
    kinds: Mapping[str, Mapping[str, str]],
    *,
    samples: int = SAMPLES,
    seed: int = 0,
) -> list[DatasetResults]:
    """Reads the evaluations of runs.

    Args:
        folder: of the experiment.
        runs: of the experiment, all evaluated.
        kinds: what hashtags depend on, for each dataset where that is known.
        samples: B, resamples of users and seeds.
        seed: of the draws.

    Returns:
        The results on each dataset, in the order of the runs.

    Raises:
        UserError: an evaluation is missing or damaged, or those of a dataset do not match.
    """
    evaluations: dict[str, dict[Run, Evaluation]] = {}
    everyone: set[str] = set()
    for run in runs:
        loaded = Evaluation.load(folder / run.evaluation)
        on_dataset = evaluations.setdefault(run.dataset, {})
        first = next(iter(on_dataset.values()), loaded)
        if _identity(first) != _identity(loaded):
            raise UserError(
                f"{loaded.path} is of other posts or metrics than {first.path}:"
                " remove both folders and give the same command again"
            )
        if not on_dataset:
            everyone.update(EvaluatedPosts.load(loaded.path / POSTS).user_ids)
        on_dataset[run] = loaded
    numbers = {user: number for number, user in enumerate(sorted(everyone))}

    def resample(evaluation: Evaluation, ranking: str) -> Metrics:
        return resample_users(evaluation, ranking, numbers, samples, seed)

    with progress("resampling users and seeds", len(runs), "runs") as advance:
        return [
            _collect(name, on_dataset, kinds.get(name), resample, seed, advance)
            for name, on_dataset in evaluations.items()
        ]


def _identity(evaluation: Evaluation) -> list[object]:
    metrics = evaluation.metrics
    return [metrics["dataset"]["fingerprint"], *(metrics[n] for n in ("num_posts", "split", "ks"))]


def _collect(
    name: str,
    evaluations: Mapping[Run, Evaluation],
    kinds: Mapping[str, str] | None,
    resample: Callable[[Evaluation, str], Metrics],
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
        models.setdefault(run.configuration, []).append(resample(loaded, MODEL))
        for ranking in loaded.posts.hits:
            if ranking != MODEL and ranking not in baselines:
                baselines[ranking] = resample(loaded, ranking)
        hits = loaded.tags.column(f"hits@{ks[-1]}").to_numpy()
        shares = np.where(tag_posts > 0, hits / np.maximum(tag_posts, 1), np.nan)
        recalls.setdefault(run.configuration, []).append(shares)
        advance(1)

    def mean_metrics(configuration: Configuration) -> Metrics:
        """Means over seeds; in each resample, all metrics are of the same seeds."""
        of_seeds = models[configuration]
        draws = zlib.crc32(f"{name}/{configuration.name}".encode())
        return {
            metric: over_seeds(
                np.stack([run[metric] for run in of_seeds]), np.random.default_rng([seed, draws])
            )
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
