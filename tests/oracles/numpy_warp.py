"""WARP as defined, in NumPy: its violators, the law of its draws, and its loss."""

import numpy as np


def violators_of(scores, positive, excluded, margin):
    """The candidates that violate."""
    return {
        tag
        for tag, score in enumerate(scores)
        if tag not in excluded and score > scores[positive] - margin
    }


def geometric_law(num_violators, num_candidates, max_negatives):
    """P(N = 1), ..., P(N = max_negatives), and of no violator in so many draws."""
    p = num_violators / num_candidates
    draws = np.arange(1, max_negatives + 1)
    return np.append((1 - p) ** (draws - 1) * p, (1 - p) ** max_negatives)


def harmonic(rank):
    return sum(1.0 / i for i in range(1, rank + 1))


def warp_loss(positive_score, negative_score, draws, num_candidates, margin, weighted=True):
    rank = max(1, num_candidates // draws) if weighted else 1
    return harmonic(rank) * max(0.0, margin - positive_score + negative_score)
