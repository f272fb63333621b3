"""A map of users by their learned vectors, and how much of what they said it shows."""

import dataclasses
from collections.abc import Sequence
from typing import Literal

import numpy as np
from scipy.stats import spearmanr
from sklearn.manifold import TSNE
from sklearn.neighbors import NearestNeighbors
from threadpoolctl import threadpool_limits

from tagkeras.evaluate.bootstrap import NORMAL_BOUND

_MIN_USERS = 5


@dataclasses.dataclass(frozen=True)
class Correlation:
    """Spearman's rank correlation and its 95% interval.

    Attributes:
        value: in [-1, 1].
        low: lower end of the interval.
        high: upper end.
        users: that it was measured on.
    """

    value: float
    low: float
    high: float
    users: int


@dataclasses.dataclass(frozen=True)
class Agreement:
    """How far an attribute decides where users lie.

    Attributes:
        share: of the k nearest neighbours that have the user's own value, the mean over users.
        expected: the same if users were shuffled.
        users: whose value is known.
    """

    share: float
    expected: float
    users: int


def sample_users(num_users: int, max_users: int, seed: int = 0) -> np.ndarray:
    """Chooses at most `max_users` of `num_users`, all with the same chance.

    Returns:
        int64, rows in rising order.
    """
    if num_users <= max_users:
        return np.arange(num_users)
    return np.sort(np.random.default_rng(seed).choice(num_users, max_users, replace=False))


def user_map(vectors: np.ndarray, *, seed: int = 0, perplexity: float = 30.0) -> np.ndarray:
    """Puts users on a plane by t-SNE: near each other where their vectors are.

    The same vectors and seed give the same map.

    Args:
        vectors: float [N, h], the users' h.
        seed: of the map.
        perplexity: how many neighbours of a user count; fewer where there are fewer users.

    Returns:
        float32 [N, 2].

    Raises:
        ValueError: there are too few users, their vectors are all alike or not finite.

    References:
        van der Maaten and Hinton, "Visualizing Data using t-SNE" (JMLR 2008).
    """
    vectors = np.asarray(vectors, np.float32)
    if vectors.ndim != 2 or len(vectors) < _MIN_USERS:
        raise ValueError(f"a map takes {_MIN_USERS} users or more, received {vectors.shape}")
    if not np.isfinite(vectors).all():
        raise ValueError("a map takes finite vectors")
    if (vectors == vectors[0]).all():
        raise ValueError("the vectors of all users are the same: there is nothing to map")
    perplexity = min(perplexity, (len(vectors) - 1) / 3)
    if vectors.shape[1] == 1:
        vectors = np.concatenate([vectors, np.zeros_like(vectors)], axis=1)
    tsne = TSNE(perplexity=perplexity, init="pca", random_state=seed)
    # One thread: its sums, and with them the map, hang on how many there are. Where other programs
    # compute as well, more of them were 7 times slower, as they wait for each other.
    with threadpool_limits(1):
        return np.asarray(tsne.fit_transform(vectors), np.float32)


def radius_correlation(
    points: np.ndarray, age: np.ndarray, *, center: Literal["mean", "origin"] = "mean"
) -> Correlation:
    """How the distance of users from the middle goes with their age.

    Args:
        points: float [N, any], a map or the vectors themselves.
        age: float [N], years; users of unknown age (NaN) are left out.
        center: `mean` of the users, or the `origin`: then the distance is the vector's norm.

    Raises:
        ValueError: fewer than 4 users, or all ages or all distances are the same.
    """
    known = np.isfinite(age)
    points, age = np.asarray(points, np.float64)[known], np.asarray(age)[known]
    if len(age) < 4:
        raise ValueError(f"a correlation takes 4 users of known age, received {len(age)}")
    if center == "mean":
        points = points - points.mean(axis=0)
    radius = np.linalg.norm(points, axis=1)
    if np.ptp(age) == 0 or np.ptp(radius) == 0:
        raise ValueError("all ages or all distances are the same: there is no correlation")
    value = float(spearmanr(radius, age).statistic)
    # Fisher's transformation, with the variance that Bonett and Wright (2000) give for ranks.
    half = NORMAL_BOUND * np.sqrt((1 + value**2 / 2) / (len(age) - 3))
    middle = np.arctanh(np.clip(value, -1 + 1e-12, 1 - 1e-12))
    return Correlation(
        value, float(np.tanh(middle - half)), float(np.tanh(middle + half)), len(age)
    )


def neighbour_agreement(points: np.ndarray, values: Sequence[str], *, k: int = 10) -> Agreement:
    """The share of users' nearest neighbours that have their value, beside that of chance.

    Args:
        points: float [N, any], a map or the vectors themselves.
        values: N of them; users whose value is unknown (empty) are left out.
        k: neighbours of a user; fewer where there are fewer users.

    Raises:
        ValueError: fewer than 2 users have a value.
    """
    array = np.array(values, object)
    known = np.flatnonzero(array != "")
    if len(known) < 2:
        raise ValueError(f"neighbours take 2 users of known value, received {len(known)}")
    _, codes = np.unique(array[known].astype(str), return_inverse=True)
    search = NearestNeighbors(n_neighbors=min(k, len(known) - 1)).fit(np.asarray(points)[known])
    near = search.kneighbors(return_distance=False)
    share = (codes[near] == codes[:, np.newaxis]).mean()
    others_alike = np.bincount(codes)[codes] - 1
    return Agreement(float(share), float(others_alike.mean() / (len(known) - 1)), len(known))
