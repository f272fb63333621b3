"""Precision-recall curves and average precision of single tags, over all posts of a split."""

import dataclasses

import numpy as np

# Points that a curve keeps: more cannot be seen.
MOST_POINTS = 200


@dataclasses.dataclass(frozen=True, eq=False)
class TagCurve:
    """How well the scores of one tag tell the posts that have it from the others.

    Attributes:
        average_precision: in [0, 1].
        recall: float32 [points], rising from 0; of the posts that have the tag, those that score
            at or above a threshold.
        precision: float32 [points]; of the posts at or above it, those that have the tag. 1 at
            recall 0, where there are none.
    """

    average_precision: float
    recall: np.ndarray
    precision: np.ndarray


def tag_curve(scores: np.ndarray, is_truth: np.ndarray) -> TagCurve | None:
    """Ranks posts by the score that a tag has on them.

    Average precision is the sum over thresholds of the rise in recall times the precision there.
    Posts with the same score pass the threshold together.

    Args:
        scores: float [N], f(x, u, y) of the tag on each post.
        is_truth: bool [N], whether the post has the tag.

    Returns:
        The curve, thinned out to `MOST_POINTS` (its average precision is of all points); None if no
        post has the tag.
    """
    num_truth = int(is_truth.sum())
    if not num_truth:
        return None
    order = np.argsort(-scores, kind="stable")
    # Where a score is the last of its value.
    ends = np.append(np.flatnonzero(np.diff(scores[order])), len(scores) - 1)
    hits = np.cumsum(is_truth[order])[ends]
    precision, recall = hits / (ends + 1), hits / num_truth
    average_precision = float(np.sum(np.diff(recall, prepend=0.0) * precision))
    # Behind the last hit nothing is new.
    points = np.arange(np.searchsorted(hits, num_truth) + 1)
    if len(points) >= MOST_POINTS:
        # Evenly by recall: by posts, most would lie where a rare tag is long found.
        points = np.unique(np.searchsorted(hits, np.linspace(1, num_truth, MOST_POINTS - 1)))
    return TagCurve(
        average_precision,
        np.append(0.0, recall[points]).astype(np.float32),
        np.append(1.0, precision[points]).astype(np.float32),
    )
