"""What an index is asked for: the distribution of phi, and how good answers are."""

import dataclasses

import numpy as np
import tensorflow as tf

from tagkeras.retrieval.top_k import top_k

# Posts whose answers are looked at; the scores of their last answers are much alike.
RANKED_POSTS = 256


@dataclasses.dataclass(frozen=True)
class AskedPosts:
    """Posts such as an index will be asked about.

    Attributes:
        phi: float32 [B, d], B at least 1.
        threshold: the score of the last of a post's k answers, the mean over posts.
    """

    phi: np.ndarray
    threshold: float

    @classmethod
    def rank(cls, phi: np.ndarray, table: tf.Variable, k: int) -> "AskedPosts":
        """Ranks some of the posts by all rows of a table to find the threshold."""
        scores, _ = top_k(tf.constant(phi[:RANKED_POSTS]), table, k)
        return cls(phi, float(tf.reduce_mean(scores[:, -1])))

    def mean(self) -> np.ndarray:
        """E[phi], float64 [d]."""
        return self.phi.mean(axis=0, dtype=np.float64)

    def root_of_moment(self) -> np.ndarray:
        """R with R R^T = E[phi phi^T], float64 [d, d]."""
        return _root(self.phi.astype(np.float64))

    def root_of_covariance(self) -> np.ndarray:
        """R with R R^T = Cov[phi], float64 [d, d]."""
        return _root(self.phi - self.mean())


def _root(vectors: np.ndarray) -> np.ndarray:
    values, axes = np.linalg.eigh(vectors.T @ vectors / len(vectors))
    root: np.ndarray = axes * np.sqrt(np.maximum(values, 0))
    return root
