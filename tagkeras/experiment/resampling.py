"""Statistics with bootstrap resamples of users and seeds.

A statistic is a float64 [1 + B]: its value on the data, then its values in B resamples. All of an
experiment are of the same resamples, so that `a - b` and means of them stay paired: users are drawn
with all their posts in all datasets, seeds for each model and size by itself.
"""

import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from tagkeras.evaluate.bootstrap import NORMAL_BOUND, bootstrap_ratios, percentiles
from tagkeras.evaluate.evaluation import MODEL, Evaluation

# Statistics by name, such as `R@10`.
Metrics = Mapping[str, np.ndarray]


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


def resample_users(
    evaluation: Evaluation, ranking: str, numbers: Mapping[str, int], samples: int, seed: int
) -> Metrics:
    """The metrics of one run's model or baseline, resampled over users.

    The same `numbers` of users, among whom some may have no posts here, and the same `seed` draw
    the same users.
    """
    posts, metrics = evaluation.posts, evaluation.metrics
    scores = posts.scores(ranking, metrics["ks"])
    users = np.array([numbers[user] for user in posts.user_ids])
    sums = [np.bincount(users, values, len(numbers)) for values in scores.values()]
    counts = np.bincount(users, minlength=len(numbers)).astype(np.float64)
    means = bootstrap_ratios(np.stack(sums, axis=1), counts[:, np.newaxis], samples, seed)
    found = {
        name: np.append(values.mean(), means[:, column])
        for column, (name, values) in enumerate(scores.items())
    }
    values = metrics if ranking == MODEL else metrics[ranking]
    for name, bounds in metrics["intervals"][ranking].items():
        if name not in found:
            run = f"{metrics['dataset']['fingerprint']}/{Path(metrics['workdir']).name}"
            draws = zlib.crc32(f"{run}/{ranking}/{name}".encode())
            rng = np.random.default_rng([seed, draws])
            found[name] = normal_resamples(values[name], bounds, samples, rng)
    return found
