"""The balanced distribution: frequent hashtags are thinned out."""

import numpy as np

from beam.posts import identities
from tagkeras.data.vocabulary import Vocabulary


class Balancer:
    """Keeps a (post, tag) pair with probability min(1, target / count(tag)).

    Whether a pair is kept hangs on the post's id, the tag and the seed alone, so that it is the
    same whatever the sharding and the runner.

    Args:
        vocabulary: tags and their counts.
        target: posts that a tag is thinned out to; None to keep all.
        seed: of the choice.
    """

    def __init__(self, vocabulary: Vocabulary, target: float | None, seed: int) -> None:
        self._tags = vocabulary.tags
        self._seed = seed
        self._probabilities: list[float] | None = None
        if target is not None:
            self._probabilities = np.minimum(1.0, target / vocabulary.counts).tolist()

    def thin_out(self, ids: list[int], post_digest: bytes) -> tuple[list[int], list[int]]:
        """The tag ids of a post to keep, and those to take off.

        Args:
            ids: of the post's known tags.
            post_digest: of `identities.digest`.
        """
        if self._probabilities is None:
            return ids, []
        kept: list[int] = []
        removed: list[int] = []
        for tag_id in ids:
            draw = identities.draw_pair(post_digest, self._tags[tag_id], self._seed)
            (kept if draw < self._probabilities[tag_id] else removed).append(tag_id)
        return kept, removed
