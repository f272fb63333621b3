"""Work on tables of millions of rows, a slice at a time, so that none is copied whole."""

from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from tagkeras.data.vocabulary import Vocabulary
from tagkeras.models import HashtagModel

SLICE = 2**16


class SharedTags(NamedTuple):
    """The tags that two vocabularies have in common.

    Attributes:
        earlier_ids: int64 [S], their ids in the earlier vocabulary.
        ids: int64 [S], their ids in the new one, ascending.
    """

    earlier_ids: np.ndarray
    ids: np.ndarray

    @classmethod
    def of(cls, earlier: Vocabulary, new: Vocabulary) -> "SharedTags":
        """Finds them by name."""
        get = earlier.ids.get
        found = np.fromiter((get(tag, -1) for tag in new.tags), np.int64, len(new))
        ids = np.flatnonzero(found >= 0)
        return cls(found[ids], ids)


def copy_rows(
    source: tf.Variable | np.ndarray,
    target: tf.Variable,
    shared: SharedTags,
    change: Callable[[tf.Tensor], tf.Tensor] = tf.identity,
) -> None:
    """Copies the rows of shared tags; other rows of the target stay as they are.

    Args:
        source: [earlier tags, d].
        target: [tags, d]; of a variable that replicas mirror, every copy is written.
        shared: which rows go where.
        change: applied to some rows, [rows, d], on the way.
    """
    copies = getattr(target, "values", (target,))
    for start in range(0, len(shared.ids), SLICE):
        part = slice(start, start + SLICE)
        rows = change(tf.gather(source, shared.earlier_ids[part]))
        for variable in copies:
            variable.scatter_update(tf.IndexedSlices(rows, tf.constant(shared.ids[part])))


def row_norms(table: tf.Variable) -> tuple[float, float]:
    """The mean and the largest norm of the rows of a table, float [Y, d]."""
    norms = [tf.norm(rows, axis=1).numpy() for rows in _slices(table)]
    return float(np.mean(np.concatenate(norms))), float(max(part.max() for part in norms))


def find_non_finite(model: HashtagModel) -> str | None:
    """The name of a weight with values that are not finite, if there is one."""
    for weight in model.embedding.weights:
        if not tf.reduce_all(tf.math.is_finite(weight.value)):
            return str(weight.name)
    for rows in _slices(model.tag_table.value):
        if not tf.reduce_all(tf.math.is_finite(rows)):
            return "tag_table"
    return None


def _slices(table: tf.Variable) -> Iterator[tf.Tensor]:
    for start in range(0, table.shape[0], SLICE):
        yield tf.gather(table, tf.range(start, min(start + SLICE, table.shape[0])))
