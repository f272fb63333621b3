"""The metrics of each tag by itself: its precision-recall curve, and the rows of `tags.parquet`."""

import dataclasses
from collections.abc import Mapping, Sequence

import numpy as np
import pyarrow as pa
import tensorflow as tf

from tagkeras.data.vocabulary import Vocabulary
from tagkeras.metrics import TagCounts

# Tags whose curves are drawn unless told otherwise, and the most values that are kept for them
# (5 bytes each).
DEFAULT_TAGS = 400
MOST_VALUES = 2**27
# Points that a curve keeps: more cannot be seen.
MOST_POINTS = 200

_OTHER, _TRUTH, _REMOVED = range(3)


@dataclasses.dataclass(frozen=True, eq=False)
class TagCurve:
    """How well the scores of one tag tell the posts that have it from the others.

    `recall`, float32 [points], rises from 0: of the posts that have the tag, those that score at or
    above a threshold. `precision`, float32 [points], is of the posts at or above it those that have
    the tag; 1 at recall 0, where there are none. All are in [0, 1].
    """

    average_precision: float
    recall: np.ndarray
    precision: np.ndarray


def tag_curve(scores: np.ndarray, is_truth: np.ndarray) -> TagCurve | None:
    """Ranks N posts by the score that a tag has on them, float [N]; bool [N], if they have it.

    Average precision is the sum over thresholds of the rise in recall times the precision there.
    Posts with the same score pass the threshold together. The curve is thinned out to
    `MOST_POINTS`, its average precision is of all points; None if no post has the tag.
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


class CurveScores:
    """Scores of T tags on N posts, and which posts have them; ids of tags are int [T], each once.

    Posts that balancing took a tag off are left out of that tag's curve: there it is neither truth
    nor negative.
    """

    def __init__(self, tags: Sequence[int] | np.ndarray, num_posts: int, num_tags: int) -> None:
        self.tags = np.asarray(tags, np.int64)
        self._scores = np.empty((num_posts, len(self.tags)), np.float32)
        self._kinds = np.full((num_posts, len(self.tags)), _OTHER, np.int8)
        self._column_of = np.full(num_tags, -1)
        self._column_of[self.tags] = np.arange(len(self.tags))
        self._num_posts = 0

    def add(self, scores: np.ndarray, tags: tf.RaggedTensor, removed: tf.RaggedTensor) -> None:
        """Adds posts: float32 [B, T], and their tags and those taken off, int64 [B, (tags)]."""
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


def tag_table(
    vocabulary: Vocabulary, counts: Sequence[TagCounts], curves: Mapping[int, TagCurve]
) -> pa.Table:
    """A row for each tag, in the order of ids; curves are by tag id, and may be missing.

    `id`, `tag`, `count` (training posts), `truth` (posts of the split that have the tag); for each
    k `predicted@k` (posts whose top k has it), `hits@k` (posts of both), `precision@k` = hits /
    predicted and `recall@k` = hits / truth, null where nothing is divided by; `average_precision`,
    `curve_recall` and `curve_precision`, null where there is no curve.
    """
    truth = counts[0].truth.numpy()
    columns = {
        "id": np.arange(len(vocabulary)),
        "tag": pa.array(vocabulary.tags, pa.string()),
        "count": vocabulary.counts,
        "truth": truth,
    }
    for metric in counts:
        predicted, hits = metric.predicted.numpy(), metric.hits.numpy()
        columns |= {
            f"predicted@{metric.k}": predicted,
            f"hits@{metric.k}": hits,
            f"precision@{metric.k}": _divide(hits, predicted),
            f"recall@{metric.k}": _divide(hits, truth),
        }
    points = pa.list_(pa.float32())
    for name, field, kind in (
        ("average_precision", "average_precision", pa.float64()),
        ("curve_recall", "recall", points),
        ("curve_precision", "precision", points),
    ):
        found = [getattr(curves.get(tag), field, None) for tag in range(len(vocabulary))]
        columns[name] = pa.array(found, kind)
    return pa.table(columns)


def _divide(part: np.ndarray, whole: np.ndarray) -> pa.Array:
    return pa.array(part / np.maximum(whole, 1), pa.float64(), mask=whole == 0)
