"""The losses as their formulas read, one post at a time, in NumPy.

Each takes phi [B, d], the whole table [Y, d] and lists of the tags of each post, and returns the
sum over the positives.
"""

import numpy as np
from numpy_warp import warp_loss


def slopes(value, loss, step=1e-6):
    """The gradient of `loss()` by the entries of an array that it reads, by finite differences."""
    gradient = np.zeros_like(value)
    for index in np.ndindex(value.shape):
        start = value[index]
        value[index] = start + step
        up = loss()
        value[index] = start - step
        gradient[index] = (up - loss()) / (2 * step)
        value[index] = start
    return gradient


def positives_of(tags):
    """(post, tag) of each positive."""
    return [(post, tag) for post, own in enumerate(tags) for tag in own]


def warp(phi, table, tags, removed, negatives, draws, found, margin, weighted=True):
    total = 0.0
    pairs = zip(positives_of(tags), negatives, draws, found, strict=True)
    for (post, positive), negative, number, is_found in pairs:
        if is_found:
            total += warp_loss(
                phi[post] @ table[positive],
                phi[post] @ table[negative],
                number,
                len(table) - len(tags[post]) - len(removed[post]),
                margin,
                weighted,
            )
    return total


def bpr(phi, table, tags, removed, negatives):
    """`negatives`: one of each positive; it counts only where the post has any candidate."""
    total = 0.0
    for (post, positive), negative in zip(positives_of(tags), negatives, strict=True):
        if len(tags[post]) + len(removed[post]) < len(table):
            difference = phi[post] @ (table[positive] - table[negative])
            total -= np.log(1 / (1 + np.exp(-difference)))
    return total


def softmax(phi, table, tags, removed):
    total = 0.0
    for post, positive in positives_of(tags):
        classes = [tag for tag in range(len(table)) if tag not in removed[post]]
        scores = np.array([phi[post] @ table[tag] for tag in classes])
        total -= phi[post] @ table[positive] - np.log(np.exp(scores).sum())
    return total


def estimated_sum(phi, table, excluded, pool):
    """Y / S times the sum of e^f over the tags of the pool that are not excluded."""
    scores = [phi @ table[tag] for tag in pool if tag not in excluded]
    return len(table) / len(pool) * np.exp(scores).sum()


def sampled_softmax(phi, table, tags, removed, pool):
    total = 0.0
    for post, positive in positives_of(tags):
        score = np.exp(phi[post] @ table[positive])
        excluded = {*tags[post], *removed[post]}
        total -= np.log(score / (score + estimated_sum(phi[post], table, excluded, pool)))
    return total
