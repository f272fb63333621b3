"""Two runs on the same posts: by how much one is better, and whether that could be chance."""

import dataclasses
from collections.abc import Mapping

import numpy as np

from tagkeras.cli.errors import UserError
from tagkeras.evaluate.bootstrap import SAMPLES, bootstrap_means, percentiles, sum_by_user
from tagkeras.evaluate.evaluation import MODEL, Evaluation

PERMUTATIONS = 10_000
# Signs drawn at once: 32 MiB of them.
_CHUNK = 2**22


@dataclasses.dataclass(frozen=True, kw_only=True)
class Difference:
    """How much better the second run is than the first, in one metric.

    `difference` is second - first, from `low` to `high` its 95% interval, by bootstrap over users.
    `p_value` is of the hypothesis that both are as good: how often the difference is as large or
    larger if, for each user, a coin decides which run is called which.
    """

    first: float
    second: float
    difference: float
    low: float
    high: float
    p_value: float


def compare(
    first: Evaluation, second: Evaluation, *, samples: int = SAMPLES, seed: int = 0
) -> dict[str, Difference]:
    """Compares two evaluations post by post, in the metrics that both have, by their names.

    The intervals are of `samples` resamples, drawn by `seed`.

    Raises:
        UserError: they are of different posts, or share no k.
    """
    check_comparable(first, second)
    ks = sorted(set(first.metrics["ks"]) & set(second.metrics["ks"]))
    if not ks:
        raise UserError(f"{first.path} and {second.path} have no k in common: evaluate with --ks")
    before, after = (evaluation.posts.scores(MODEL, ks) for evaluation in (first, second))
    return differences(first.posts.users, before, after, samples=samples, seed=seed)


def differences(
    users: np.ndarray,
    before: Mapping[str, np.ndarray],
    after: Mapping[str, np.ndarray],
    *,
    samples: int = SAMPLES,
    seed: int = 0,
) -> dict[str, Difference]:
    """Compares two rankings of the same posts, as `compare` does.

    Users are int [N], from 0; scores are float [N] by metric, in the same metrics.
    """
    gains = np.stack([after[name] - before[name] for name in before], axis=1)
    bounds = percentiles(bootstrap_means(users, gains, samples, seed))
    p_values = sign_flip_p_values(users, gains, seed=seed)
    return {
        name: Difference(
            first=float(before[name].mean()),
            second=float(after[name].mean()),
            difference=float(gains[:, column].mean()),
            low=float(bounds[column, 0]),
            high=float(bounds[column, 1]),
            p_value=float(p_values[column]),
        )
        for column, name in enumerate(before)
    }


def check_comparable(first: Evaluation, second: Evaluation) -> None:
    """Checks that two evaluations are of the same posts.

    Raises:
        UserError: they are of different datasets, splits or posts.
    """
    datasets = [run.metrics["dataset"]["fingerprint"] for run in (first, second)]
    splits = [run.metrics["split"] for run in (first, second)]
    for what, (one, other) in (("datasets", datasets), ("splits", splits)):
        if one != other:
            raise UserError(
                f"{first.path} and {second.path} are of different {what}: compare runs that were"
                " evaluated on the same --data and --split"
            )
    if first.posts.post_ids != second.posts.post_ids:
        raise UserError(
            f"{first.path} and {second.path} are of different posts: evaluate both runs again"
        )


def sign_flip_p_values(
    users: np.ndarray, gains: np.ndarray, permutations: int = PERMUTATIONS, seed: int = 0
) -> np.ndarray:
    """P-values of mean gains by a paired permutation test over users, two-sided.

    If both runs are as good, a user's gains could as well have the other sign: |mean| is compared
    with its values under random signs, one for each user. The observed one counts as one of them.

    Users are int [N], the user of each post, from 0; gains float [N, M]. Gives float64 [M], each in
    [1 / (permutations + 1), 1].

    References:
        Smucker, Allan and Carterette, "A comparison of statistical significance tests for
        information retrieval evaluation" (CIKM 2007).
    """
    num_users = int(users.max()) + 1
    sums = sum_by_user(users, gains, num_users)
    # Scores are in float32: rounding must not make a gain look larger than another like it.
    observed = np.abs(sums.sum(axis=0)) - 1e-6 * np.abs(sums).sum(axis=0)
    rng = np.random.default_rng(seed)
    as_large = np.zeros(gains.shape[1])
    chunk = max(1, _CHUNK // num_users)
    for start in range(0, permutations, chunk):
        size = (min(chunk, permutations - start), num_users)
        signs = 2.0 * rng.integers(2, size=size, dtype=np.int8) - 1
        as_large += (np.abs(signs @ sums) >= observed).sum(axis=0)
    return (1 + as_large) / (1 + permutations)
