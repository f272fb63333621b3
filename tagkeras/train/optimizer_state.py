"""What the optimizers of an earlier run know of its weights and rows, for a run that goes on."""

from pathlib import Path

import keras
import tensorflow as tf

from tagkeras.cli.errors import UserError
from tagkeras.models import HashtagModel
from tagkeras.optimizers import RowOptimizer
from tagkeras.train.checkpoint_folder import UNREADABLE, first_line
from tagkeras.train.rows import SharedTags, copy_rows
from tagkeras.train.settings import Settings
from tagkeras.train.workdir import Workdir

# Where a workdir without checkpoints keeps it: one that `tagkeras.add_tags` made.
FOLDER = "optimizers"
_FILES = "variables"


def save_state(model: HashtagModel, folder: Path) -> None:
    """Writes the state of a compiled model's optimizers to a workdir's folder."""
    _checkpoint(model.optimizer, model.row_optimizer).write(str(folder / FOLDER / _FILES))


def find_state(workdir: Workdir) -> Path | None:
    """The newest checkpoint of a workdir that has the optimizers' state; None without one."""
    newest = workdir.newest_checkpoint() or workdir.path / FOLDER
    return newest / _FILES if (newest / f"{_FILES}.index").exists() else None


def has_same_state(earlier: Settings, settings: Settings) -> bool:
    """Whether the optimizers of two runs keep the same numbers: kind, and with or without momentum.

    Otherwise the state of one means nothing to the other.
    """
    if earlier.optimizer != settings.optimizer:
        return False
    return settings.optimizer != "sgd" or bool(earlier.momentum) == bool(settings.momentum)


def copy_state(
    model: HashtagModel, path: Path, earlier: Settings, num_earlier_tags: int, shared: SharedTags
) -> None:
    """Gives the optimizers of a model the state of an earlier run.

    That of the embedding's weights as it is, that of the rows for shared tags. Steps taken and
    learning rates stay the model's own, and so does the state of tags that are new.

    Args:
        model: compiled, with an embedding of the earlier run's sizes.
        path: of `find_state`.
        earlier: settings of the earlier run; `has_same_state` holds.
        num_earlier_tags: rows of its table.
        shared: the tags that both know.

    Raises:
        UserError: the checkpoint is damaged.
    """
    optimizer = _inner(model.optimizer)
    inner = type(optimizer).from_config(optimizer.get_config())
    is_scaled = earlier.precision == "mixed_float16"
    saved = keras.optimizers.LossScaleOptimizer(inner) if is_scaled else inner
    saved.build(model.embedding.trainable_variables)  # of the same shapes as the earlier run's
    rows = model.row_optimizer.state
    shape = [num_earlier_tags, model.embedding.embedding_dim]
    saved_rows = {name: tf.Variable(tf.zeros(shape), trainable=False) for name in rows}
    try:
        status = _checkpoint(saved, tf.train.Checkpoint(**saved_rows)).read(str(path))
        status.assert_existing_objects_matched()
        status.expect_partial()
    except UNREADABLE as error:
        raise UserError(
            f"{path.parent} cannot be read ({first_line(error)}): put back a copy of it,"
            " or start from another run"
        ) from error
    for variable, value in zip(_slots(optimizer), _slots(inner), strict=True):
        variable.assign(value.numpy())
    for name, variable in rows.items():
        copy_rows(saved_rows[name], variable, shared)


def _checkpoint(
    optimizer: keras.optimizers.Optimizer, rows: RowOptimizer | tf.train.Checkpoint
) -> tf.train.Checkpoint:
    """The part of a run's checkpoint that this is about, named as `Checkpoints` names it."""
    return tf.train.Checkpoint(
        optimizer=[variable.value for variable in optimizer.variables], row_optimizer=rows
    )


def _inner(optimizer: keras.optimizers.Optimizer) -> keras.optimizers.Optimizer:
    """The optimizer within that which scales losses for float16."""
    return getattr(optimizer, "inner_optimizer", optimizer)


def _slots(optimizer: keras.optimizers.Optimizer) -> list[keras.Variable]:
    """The variables that there is one of for each weight."""
    own = {id(optimizer.iterations), id(optimizer.learning_rate)}
    return [variable for variable in optimizer.variables if id(variable) not in own]
