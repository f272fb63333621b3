"""The metrics of each tag by itself: `tags.parquet`."""

from collections.abc import Mapping, Sequence

import numpy as np
import pyarrow as pa

from tagkeras.data.vocabulary import Vocabulary
from tagkeras.evaluate.tag_curves import TagCurve
from tagkeras.metrics import TagCounts


def tag_table(
    vocabulary: Vocabulary, counts: Sequence[TagCounts], curves: Mapping[int, TagCurve]
) -> pa.Table:
    """A row for each tag, in the order of ids.

    Args:
        vocabulary: of the model.
        counts: of the predictions, for each k.
        curves: by tag id; tags may be missing.

    Returns:
        `id`, `tag`, `count` (training posts), `truth` (posts of the split that have the tag); for
        each k `predicted@k` (posts whose top k has it), `hits@k` (posts of both), `precision@k` =
        hits / predicted and `recall@k` = hits / truth, null where nothing is divided by;
        `average_precision`, `curve_recall` and `curve_precision`, null where there is no curve.
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
    found = [curves.get(tag) for tag in range(len(vocabulary))]
    average = [curve and curve.average_precision for curve in found]
    recall = [None if curve is None else curve.recall for curve in found]
    precision = [None if curve is None else curve.precision for curve in found]
    columns["average_precision"] = pa.array(average, pa.float64())
    columns["curve_recall"] = pa.array(recall, pa.list_(pa.float32()))
    columns["curve_precision"] = pa.array(precision, pa.list_(pa.float32()))
    return pa.table(columns)


def _divide(part: np.ndarray, whole: np.ndarray) -> pa.Array:
    return pa.array(part / np.maximum(whole, 1), pa.float64(), mask=whole == 0)
