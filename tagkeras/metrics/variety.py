"""How varied predictions are: the share of the vocabulary that they use, and their entropy."""

import numpy as np


def coverage(predicted: np.ndarray) -> float:
    """The share of the tags that were predicted at least once, in [0, 1].

    Args:
        predicted: number [Y], how often each tag was predicted.
    """
    return float(np.count_nonzero(predicted)) / len(predicted)


def entropy(predicted: np.ndarray) -> float:
    """The Shannon entropy of the tags predicted, in bits.

    0 if it is always the same tag, log2(Y) if all tags come as often; 2 to the power of it is how
    many tags, each as often, would be as varied.

    Args:
        predicted: number [Y], how often each tag was predicted; not all 0.
    """
    counts = predicted[predicted > 0]
    shares = counts / counts.sum()
    return float(-(shares * np.log2(shares)).sum()) + 0.0
