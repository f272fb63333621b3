"""Work on tables of millions of rows, a slice at a time, so that none is copied whole."""

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from tagkeras.models import HashtagModel

SLICE = 2**16


class Shared(NamedTuple):
    """The names that two lists have in common: tags, or columns of a user descriptor.

    Attributes:
        earlier: int64 [S], their places in the earlier list.
        new: int64 [S], their places in the new one, ascending.
    """

    earlier: np.ndarray
    new: np.ndarray

    @classmethod
    def of(cls, earlier: Sequence[str], new: Sequence[str]) -> "Shared":
        """Finds them."""
        places = {name: place for place, name in enumerate(earlier)}
        found = np.fromiter((places.get(name, -1) for name in new), np.int64, len(new))
        shared = np.flatnonzero(found >= 0)
        return cls(found[shared], shared)


def copy_rows(
    source: tf.Variable | np.ndarray,
    target: tf.Variable,
    shared: Shared,
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
    for start in range(0, len(shared.new), SLICE):
        part = slice(start, start + SLICE)
        rows = change(tf.gather(source, shared.earlier[part]))
        for variable in copies:
            variable.scatter_update(tf.IndexedSlices(rows, tf.constant(shared.new[part])))


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
