"""The scores of some tags on all posts of a split: what precision-recall curves are made of."""

from collections.abc import Sequence

import numpy as np
import tensorflow as tf

from tagkeras.evaluate.tag_curves import TagCurve, tag_curve

# Tags whose curves are drawn unless told otherwise, and the most values that are kept for them
# (5 bytes each).
DEFAULT_TAGS = 400
MOST_VALUES = 2**27

_OTHER, _TRUTH, _REMOVED = range(3)


class CurveScores:
    """Scores of T tags, and which posts have them.

    Posts that balancing took a tag off are left out of that tag's curve: there it is neither truth
    nor negative.

    Args:
        tags: ids of the tags, int [T], each once.
        num_posts: N.
        num_tags: Y.
    """

    def __init__(self, tags: Sequence[int] | np.ndarray, num_posts: int, num_tags: int) -> None:
        self.tags = np.asarray(tags, np.int64)
        self._scores = np.empty((num_posts, len(self.tags)), np.float32)
        self._kinds = np.full((num_posts, len(self.tags)), _OTHER, np.int8)
        self._column_of = np.full(num_tags, -1)
        self._column_of[self.tags] = np.arange(len(self.tags))
        self._num_posts = 0

    def add(self, scores: np.ndarray, tags: tf.RaggedTensor, removed: tf.RaggedTensor) -> None:
        """Adds posts.

        Args:
            scores: float32 [B, T].
            tags: int64 ragged [B, (tags)], the known tags of each post.
            removed: int64 ragged [B, (tags)], those that balancing took off.
        """
        rows = slice(self._num_posts, self._num_posts + len(scores))
        self._scores[rows] = scores
        for kind, lists in ((_TRUTH, tags), (_REMOVED, removed)):
            columns = self._column_of[lists.flat_values.numpy()]
            posts = self._num_posts + lists.value_rowids().numpy()
            self._kinds[posts[columns >= 0], columns[columns >= 0]] = kind
        self._num_posts = rows.stop

    def curves(self) -> dict[int, TagCurve]:
        """The curves by tag id; a tag that no post has is left out."""
        curves = {}
        for column, tag in enumerate(self.tags.tolist()):
            kinds = self._kinds[: self._num_posts, column]
            counted = kinds != _REMOVED
            scores = self._scores[: self._num_posts, column][counted]
            if (curve := tag_curve(scores, kinds[counted] == _TRUTH)) is not None:
                curves[tag] = curve
        return curves


def default_curve_tags(num_tags: int, num_posts: int) -> int:
    """How many of the most frequent tags get curves unless told otherwise."""
    return min(num_tags, DEFAULT_TAGS, MOST_VALUES // max(num_posts, 1))
