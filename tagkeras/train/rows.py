"""Copying rows from one table to another, some at a time."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from tagkeras.data.vocabulary import Vocabulary

# Rows that are copied at once: a table of millions is not held a third time.
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

    def __len__(self) -> int:
        return len(self.ids)


def copy_rows(
    source: tf.Variable,
    target: tf.Variable,
    shared: SharedTags,
    change: Callable[[tf.Tensor], tf.Tensor] | None = None,
) -> None:
    """Copies the rows of shared tags; other rows of the target stay as they are.

    Args:
        source: [earlier tags, d].
        target: [tags, d]; of a variable that replicas mirror, every copy is written.
        shared: which rows go where.
        change: what becomes of some rows, [rows, d], on the way; by default nothing.
    """
    copies = getattr(target, "values", (target,))
    for start in range(0, len(shared), SLICE):
        part = slice(start, start + SLICE)
        rows = tf.gather(source, shared.earlier_ids[part])
        rows = rows if change is None else change(rows)
        for variable in copies:
            variable.scatter_update(tf.IndexedSlices(rows, tf.constant(shared.ids[part])))
