"""Ridge regression of hashtags on features: what a linear model in closed form is worth."""

from collections.abc import Sequence

import numpy as np

from benchmarks.exact_ranking import Embedded
from benchmarks.post_arrays import to_sparse


class Ridge:
    """Least squares from features to 0 or 1 for each hashtag, for any strength of the penalty.

    With X the features [N, p] and T the hashtags [N, Y], 1 where a post has one, W [p, Y] and b [Y]
    minimise |X W + b - T|^2 + strength |W|^2. In the axes of the eigenvectors of (X - mean)'(X -
    mean), W is a division by (eigenvalue + strength), so that a further strength costs nothing.

    Args:
        features: X, float [N, p].
        tags: int [each], the ids of each post's hashtags.
        num_tags: Y.
    """

    def __init__(self, features: np.ndarray, tags: Sequence[np.ndarray], num_tags: int) -> None:
        self._mean = features.mean(axis=0, dtype=np.float64)
        centred = features - self._mean
        self._eigenvalues, self._axes = np.linalg.eigh(centred.T @ centred)
        truth = to_sparse(tags, num_tags)
        self._shares = np.asarray(truth.mean(axis=0)).ravel()
        self._rotated = truth.T @ (centred @ self._axes)  # [Y, p]

    def embed(self, features: np.ndarray, strength: float) -> Embedded:
        """Other posts and all hashtags, such that their scores are X W + b.

        Args:
            features: float [B, p].
            strength: above 0.
        """
        divided = (features - self._mean) @ self._axes / (self._eigenvalues + strength)
        return Embedded(divided, self._rotated, self._shares)
