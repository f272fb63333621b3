"""The metrics of one evaluation, resampled over users."""

import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from tagkeras.evaluate.bootstrap import NORMAL_BOUND, bootstrap_ratios
from tagkeras.evaluate.evaluation import MODEL, EvaluatedPosts, Evaluation
from tagkeras.experiment.resampled import Resampled


def resampled_metrics(
    evaluation: Evaluation,
    ranking: str,
    number_of: Mapping[str, int],
    *,
    samples: int,
    seed: int,
) -> dict[str, Resampled]:
    """The metrics of one way to rank.

    Args:
        evaluation: of a run.
        ranking: the model, or a baseline by its name in `metrics.json`.
        number_of: of each user, from 0; users who have none of the posts may be among them.
        samples: resamples.
        seed: of the draws: the same `number_of` and seed draw the same users.
    """
    posts, metrics = evaluation.posts, evaluation.metrics
    scores = posts.scores(ranking, metrics["ks"])
    sums, counts = user_sums(posts, scores, number_of)
    means = bootstrap_ratios(sums, counts, samples, seed)
    found = {
        name: Resampled(float(values.mean()), means[:, column])
        for column, (name, values) in enumerate(scores.items())
    }
    values = metrics if ranking == MODEL else metrics[ranking]
    for name, interval in metrics["intervals"][ranking].items():
        if name not in found:
            run = f"{metrics['dataset']['fingerprint']}/{Path(metrics['workdir']).name}"
            identity = zlib.crc32(f"{run}/{ranking}/{name}".encode())
            rng = np.random.default_rng([seed, identity])
            found[name] = normal_resamples(values[name], interval, samples, rng)
    return found


def user_sums(
    posts: EvaluatedPosts, scores: Mapping[str, np.ndarray], number_of: Mapping[str, int]
) -> tuple[np.ndarray, np.ndarray]:
    """Sums of scores over the posts of each user, and how many posts that are.

    Args:
        posts: N posts.
        scores: float [N] by name of the metric; M of them.
        number_of: of each of U users, from 0.

    Returns:
        float64 [U, M] and float64 [U, 1].
    """
    users = np.array([number_of[user] for user in posts.user_ids])
    sums = [np.bincount(users, values, len(number_of)) for values in scores.values()]
    counts = np.bincount(users, minlength=len(number_of)).astype(np.float64)
    return np.stack(sums, axis=1), counts[:, np.newaxis]


def normal_resamples(
    value: float, interval: Sequence[float], samples: int, rng: np.random.Generator
) -> Resampled:
    """Resamples of a statistic of which `metrics.json` has the interval alone: coverage, entropy.

    Its interval is a normal distribution's, around the value, cut off where the statistic cannot
    go; it is drawn from, whole. The draws of runs are independent of each other. That runs share
    users, which makes differences between them more certain, is not made use of.
    """
    spread = max(value - interval[0], interval[1] - value) / NORMAL_BOUND
    return Resampled(value, rng.normal(value, spread, samples))
