"""The weights of a model as a TensorFlow checkpoint, without optimizers or metrics."""

import tensorflow as tf

from tagkeras.cli.errors import UserError
from tagkeras.models import HashtagModel

# Rows of the tag table that are looked at at once: a copy of a large table is not made.
_ROWS = 2**16


def make_weights_checkpoint(
    model: HashtagModel, **others: tf.train.Checkpoint
) -> tf.train.Checkpoint:
    """A checkpoint of the embedding's weights and the tag table.

    Args:
        model: built.
        **others: trackables to keep beside them.
    """
    embedding = {weight.name: weight.value for weight in model.embedding.weights}
    return tf.train.Checkpoint(tag_table=model.tag_table.value, embedding=embedding, **others)


def row_norms(table: tf.Variable) -> tuple[float, float]:
    """The mean and the largest norm of the rows of a table, float [Y, d]."""
    total, largest = 0.0, 0.0
    for start in range(0, table.shape[0], _ROWS):
        norms = tf.norm(_rows(table, start), axis=1)
        total += float(tf.reduce_sum(norms))
        largest = max(largest, float(tf.reduce_max(norms)))
    return total / table.shape[0], largest


def refuse_not_finite(model: HashtagModel, when: str) -> None:
    """Makes sure that all weights are finite numbers.

    Args:
        model: to look at.
        when: for the message: after which step.

    Raises:
        UserError: some are not.
    """
    for weight in model.embedding.weights:
        if not tf.reduce_all(tf.math.is_finite(weight.value)):
            raise diverged(f"{weight.name} has values that are not finite", when)
    table = model.tag_table.value
    for start in range(0, table.shape[0], _ROWS):
        if not tf.reduce_all(tf.math.is_finite(_rows(table, start))):
            raise diverged("tag_table has values that are not finite", when)


def diverged(what: str, when: str) -> UserError:
    """The error of a run whose weights or loss are no numbers any more."""
    return UserError(
        f"{what} after {when}: start again with a lower --learning_rate in another --workdir"
        " (the checkpoints before it are kept)"
    )


def _rows(table: tf.Variable, start: int) -> tf.Tensor:
    return tf.gather(table, tf.range(start, min(start + _ROWS, table.shape[0])))
