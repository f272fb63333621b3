"""Intervals of coverage and entropy, which are no means over posts."""

import numpy as np

from tagkeras.evaluate.bootstrap import NORMAL_BOUND, resample
from tagkeras.metrics import entropy

# A resample looks at every prediction, and these settle a standard deviation to some 5%.
SAMPLES = 200


def variety_intervals(
    users: np.ndarray, predictions: np.ndarray, num_tags: int, *, seed: int = 0
) -> np.ndarray:
    """The intervals of the coverage and of the entropy of predictions, over users.

    A resample leaves out a third of the users, and with them tags that only they were given: its
    coverage and entropy are too low. So the interval lies around the value itself, as wide as a
    normal distribution with the standard deviation of the resamples.

    Args:
        users: int [N], the user of each post, from 0.
        predictions: int [N, k], tag ids; negative where there is none.
        num_tags: Y.
        seed: of the draws.

    Returns:
        float64 [2, 2]: low and high of the coverage, in [0, 1], and of the entropy, in bits.
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
    for drawn in resample(num_users, SAMPLES, seed):
        predicted = np.bincount(tags, weights=counts * drawn[owners], minlength=len(present))
        statistics.append((np.count_nonzero(predicted) / num_tags, float(entropy(predicted))))
    value = np.array([len(present) / num_tags, float(entropy(np.bincount(tags, weights=counts)))])
    spread = NORMAL_BOUND * np.std(statistics, axis=0, ddof=1)
    bounds = np.stack([value - spread, value + spread], axis=1)
    return np.clip(bounds, 0, [[1], [np.log2(num_tags)]])
