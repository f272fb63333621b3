"""Bootstrap over users: how far a mean over posts may be off, since the users are a sample.

Posts of one user resemble each other, so that not posts but users are drawn anew, with replacement,
each with all of their posts. The interval is that of the percentiles.

References:
    Efron and Tibshirani, "An Introduction to the Bootstrap" (1993), chapters 8 and 13; resampling
    whole clusters: Field and Welsh, "Bootstrapping clustered data" (JRSS B, 2007).
"""

import itertools
import statistics
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from tagkeras.metrics import entropy

SAMPLES = 1000
# A resample looks at every prediction, and these settle a standard deviation to some 5%.
VARIETY_SAMPLES = 200
LEVEL = 0.95
# Standard deviations to each side that hold as much of a normal distribution.
NORMAL_BOUND = statistics.NormalDist().inv_cdf((1 + LEVEL) / 2)
# Weights of users that are held at once: 32 MiB of them.
_CHUNK = 2**22


def resample(num_users: int, samples: int, seed: int) -> Iterator[np.ndarray]:
    """Draws users with replacement, as many as there are: int64 [num_users], how often each.

    The same seed gives the same resamples, so that statistics of two runs on the same users are
    paired.
    """
    rng = np.random.default_rng(seed)
    for _ in range(samples):
        yield np.bincount(rng.integers(num_users, size=num_users), minlength=num_users)


def bootstrap_means(
    users: np.ndarray,
    scores: np.ndarray,
    samples: int = SAMPLES,
    seed: int = 0,
    *,
    num_users: int | None = None,
) -> np.ndarray:
    """Means over posts in resamples of their users: float64 [samples, M].

    Users are int [N], the user of each post, from 0, and by default as many as these name. Scores
    are float [N, M]; NaN leaves a post out of a column's mean. A mean is NaN where a resample has
    no post for a column.
    """
    num_users = num_users or int(users.max()) + 1
    counted = ~np.isnan(scores)
    sums = sum_by_user(users, np.where(counted, scores, 0.0), num_users)
    if counted.all():
        counted = counted[:, :1]
    (means,) = resampled_ratios(
        [(slice(None), sums, sum_by_user(users, counted, num_users))], num_users, samples, seed
    )
    return means


def resampled_ratios(
    parts: Sequence[tuple[Any, np.ndarray, np.ndarray]], num_users: int, samples: int, seed: int
) -> list[np.ndarray]:
    """Sums over users divided by counts over users, in the same resamples for all parts.

    A part has an index of its P users, sums float [P, M], and counts float [P, M], or [P, 1] for
    all columns. It gives float64 [samples, M]; NaN where the count is 0.
    """
    ratios: list[list[np.ndarray]] = [[] for _ in parts]
    draws = resample(num_users, samples, seed)
    # Many draws at once: a matrix product with them reads the sums once.
    while drawn := list(itertools.islice(draws, max(1, _CHUNK // num_users))):
        weights = np.stack(drawn).astype(np.float64)
        for (users, sums, counts), chunk in zip(parts, ratios, strict=True):
            with np.errstate(invalid="ignore"):
                chunk.append((weights[:, users] @ sums) / (weights[:, users] @ counts))
    return [np.concatenate(chunk) for chunk in ratios]


def percentiles(means: np.ndarray) -> np.ndarray:
    """The interval that holds the middle 95% of resampled statistics, float [samples, M].

    NaN counts as no sample. Gives float64 [M, 2]: low and high; NaN where there is no sample.
    """
    tail = (1 - LEVEL) / 2
    bounds = np.full((means.shape[1], 2), np.nan)
    known = ~np.isnan(means).all(axis=0)
    bounds[known] = np.nanquantile(means[:, known], [tail, 1 - tail], axis=0).T
    return bounds


def sum_by_user(users: np.ndarray, values: np.ndarray, num_users: int) -> np.ndarray:
    """Sums of the rows of each user: [N, M] -> float64 [num_users, M]."""
    return np.stack([np.bincount(users, column, num_users) for column in values.T], axis=1)


def variety_intervals(
    users: np.ndarray, predictions: np.ndarray, num_tags: int, *, seed: int = 0
) -> np.ndarray:
    """The intervals of the coverage and of the entropy of predictions, over users.

    A resample leaves out a third of the users, and with them tags that only they were given: its
    coverage and entropy are too low. So the interval lies around the value itself, as wide as a
    normal distribution with the standard deviation of the resamples.

    Users are int [N], the user of each post, from 0; predictions int [N, k], tag ids, negative
    where there is none. Gives float64 [2, 2]: low and high of the coverage, in [0, 1], and of the
    entropy, in bits.
    """
    num_users = int(users.max()) + 1
    is_there = predictions >= 0
    tags = predictions[is_there]
    present, tags = np.unique(tags, return_inverse=True)
    owners = np.broadcast_to(users[:, None], predictions.shape)[is_there]
    # (tag, user) pairs: most people get the same tag for several of their posts.
    pairs, counts = np.unique(tags * num_users + owners, return_counts=True)
    tags, owners = np.divmod(pairs, num_users)
    statistics = []
    for drawn in resample(num_users, VARIETY_SAMPLES, seed):
        predicted = np.bincount(tags, weights=counts * drawn[owners], minlength=len(present))
        statistics.append((np.count_nonzero(predicted) / num_tags, float(entropy(predicted))))
    predicted = np.bincount(tags, weights=counts)
    value = np.array([len(present) / num_tags, float(entropy(predicted))])
    spread = NORMAL_BOUND * np.std(statistics, axis=0, ddof=1)
    bounds = np.stack([value - spread, value + spread], axis=1)
    return np.clip(bounds, 0, [[1], [np.log2(num_tags)]])
