"""LightFM on posts: each is a user whose features are [descriptor | user descriptor]."""

from typing import Any

import numpy as np

from benchmarks.exact_ranking import Embedded
from benchmarks.post_arrays import PostArrays, to_sparse
from benchmarks.stopwatch import Stopwatch
from tagkeras.cli.errors import UserError

# WARP of LightFM counts a score as violating above f(y+) - 1.
MARGIN = 1.0


def check_installed() -> dict[str, object]:
    """The version of LightFM, and whether it runs more than one thread.

    Raises:
        UserError: it is not installed.
    """
    try:
        import lightfm
    except ImportError as error:
        raise UserError(
            "LightFM is not installed: pip install -c constraints.txt '.[bench]'"
        ) from error
    try:
        from lightfm import _lightfm_fast_openmp  # noqa: F401
    except ImportError:
        return {"version": lightfm.__version__, "openmp": False}
    return {"version": lightfm.__version__, "openmp": True}


class LightFMTrainer:
    """Trains LightFM with its WARP loss; hashtags are items with identity features.

    Args:
        posts: to train on.
        num_tags: Y.
        threads: that share a pass.
        learning_rate: of its Adagrad.
        max_sampled: the most draws for a positive.
        features: `make_features(posts)`, to share among several trainers.
    """

    # Posts in a call, which trains on one positive after the other.
    batch_size = 512
    margin = MARGIN

    def __init__(
        self,
        posts: PostArrays,
        num_tags: int,
        *,
        threads: int,
        learning_rate: float = 0.05,
        max_sampled: int = 1000,
        features: Any = None,
    ) -> None:
        from lightfm import LightFM

        self.num_tags = num_tags
        self.threads = threads
        self.model = LightFM(
            no_components=64,
            loss="warp",
            learning_rate=learning_rate,
            max_sampled=max_sampled,
            random_state=0,
        )
        self.features = make_features(posts) if features is None else features
        self.interactions = to_sparse(posts.tags, num_tags)
        self.watch = Stopwatch()
        self.positives = 0

    def train(self, rows: np.ndarray, progress: float = 0.0) -> None:
        """Trains on these posts once, in an order that LightFM draws.

        Only `fit_partial` counts as its time. A post is nothing but its features, so that a call
        need not see the others.

        Args:
            rows: of the posts.
            progress: how much of the training is done; LightFM has no schedule to use it.
        """
        del progress
        features, interactions = self.features[rows], self.interactions[rows].tocoo()
        with self.watch:
            self.model.fit_partial(interactions, user_features=features, num_threads=self.threads)
        self.positives += interactions.nnz

    def embed(self, posts: PostArrays) -> Embedded:
        """These posts and all tags; the posts' own biases rank nothing."""
        _, embedded = self.model.get_user_representations(make_features(posts))
        biases, tags = self.model.get_item_representations()
        return Embedded(embedded, tags, biases)


def make_features(posts: PostArrays) -> Any:
    """The features of posts as a sparse matrix, [posts, n + m]."""
    from scipy import sparse

    return sparse.csr_matrix(np.hstack([posts.descriptors, posts.user_descriptors]))
