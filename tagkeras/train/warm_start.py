"""A new run that starts from the weights of an earlier one, whose vocabulary was another."""

import functools
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from tagkeras.cli.errors import UserError
from tagkeras.data.manifest import Manifest
from tagkeras.data.vocabulary import Vocabulary
from tagkeras.layers import project_max_norm
from tagkeras.models import HashtagModel
from tagkeras.train.checkpoints import CheckpointError, unreadable
from tagkeras.train.config import Settings
from tagkeras.train.model import restore_model, training_checkpoint
from tagkeras.train.tables import Shared, copy_rows
from tagkeras.train.workdir import Workdir

# Where a workdir without checkpoints keeps it: one that `tagkeras.add_tags` made.
_FOLDER = "optimizers"
_PREFIX = "variables"
# The embeddings' weights with a column for each of the user descriptor.
USER_WEIGHTS = ("W", "S")
_VALUE = "/.ATTRIBUTES/VARIABLE_VALUE"


class WarmStart:
    """What a new run, of some settings on some dataset, can take over from an earlier one.

    Attributes:
        columns: of the user descriptor that both datasets have, by names such as `country GB`.
        shared: the tags that both vocabularies have.
        state: the checkpoint of the earlier optimizers' state; None if there is none, or none that
            the new run's optimizers can use.

    Raises:
        UserError: no run or no finished epoch there, another model or other sizes, other image
            descriptors, or no tag in common.
    """

    def __init__(
        self, earlier: Workdir, settings: Settings, manifest: Manifest, vocabulary: Vocabulary
    ) -> None:
        self.earlier = earlier
        self.num_tags = len(vocabulary)
        self.earlier_settings = Settings.of(earlier.config())
        earlier.best_epoch()  # raises without one
        self._check_settings(settings)
        self._check_descriptors(manifest)
        names = (m.facts.feature_names for m in (earlier.manifest(), manifest))
        self.columns = Shared.of(*names)
        self.shared = Shared.of(earlier.vocabulary().tags, vocabulary.tags)
        if not len(self.shared.new):
            raise UserError(f"{earlier.path} knows none of the tags of this dataset")
        usable = _has_same_state(self.earlier_settings, settings)
        self.state = find_state(earlier) if usable else None

    def apply(self, model: HashtagModel) -> str:
        """Gives a fresh model what the earlier run has learned.

        The embedding's weights (those of the user's facts column by column, by name) and the rows
        of the table (tag by tag, by name) are those of the earlier run's best epoch; rows above the
        new run's max-norm are projected. The optimizers' state of these weights and rows is that of
        its newest checkpoint, if both runs have the same optimizer: Adagrad's first steps from a
        fresh state are as long as the learning rate in every coordinate, whatever the gradient, and
        would undo much of what was learned. New tags keep their fresh rows and fresh state.

        The model is compiled and has not stepped yet. Returns a line for people.

        Raises:
            UserError: the earlier run's newest checkpoint is damaged; the model is then of no use.
        """
        trained = restore_model(self.earlier)
        for weight, value in zip(model.embedding.weights, trained.embedding.weights, strict=True):
            weight.assign(_move_columns(weight.name, value.numpy(), weight, self.columns))
        project = tf.identity
        # A row whose norm is the radius but for rounding would change bits for nothing.
        if model.max_norm is not None and not 0 < self.earlier_settings.max_norm <= model.max_norm:
            project = functools.partial(project_max_norm, radius=model.max_norm, axis=1)
        copy_rows(trained.tag_table.value, model.tag_table.value, self.shared, project)
        if self.state is not None:
            _copy_state(model, self.state, self.shared, self.columns)
        num_shared = len(self.shared.new)
        return (
            f"started from {self.earlier.path}: {num_shared:,} tags known,"
            f" {self.num_tags - num_shared:,} new, {trained.num_tags - num_shared:,} left behind,"
            f" {'without' if self.state is None else 'with'} the optimizers' state"
        )

    def _check_settings(self, settings: Settings) -> None:
        names = ["model", "embedding_dim"]
        if settings.model == "multiplicative":
            names += ["rank", "user_hidden", "user_offset"]
        differing = [
            f"--{name}={getattr(self.earlier_settings, name)} (now {getattr(settings, name)})"
            for name in names
            if getattr(self.earlier_settings, name) != getattr(settings, name)
        ]
        if differing:
            raise UserError(
                f"{self.earlier.path} was trained with {', '.join(differing)}:"
                " give the same flags to start from it"
            )

    def _check_descriptors(self, manifest: Manifest) -> None:
        before = self.earlier.manifest()
        for name, words in (("descriptor_size", ""), ("cnn", " (another CNN)")):
            if getattr(manifest, name) != getattr(before, name):
                raise UserError(
                    f"{self.earlier.path} was trained on other image descriptors{words} than this"
                    " dataset has: preprocess the posts as that run's were, with the same CNN"
                )


def save_state(model: HashtagModel, folder: Path) -> None:
    """Writes the state of a compiled model's optimizers to a workdir's folder."""
    whole = training_checkpoint(model)
    state = tf.train.Checkpoint(optimizer=whole.optimizer, row_optimizer=whole.row_optimizer)
    state.write(str(folder / _FOLDER / _PREFIX))


def find_state(workdir: Workdir) -> Path | None:
    """Where a workdir has its newest optimizers' state; None without one."""
    newest = workdir.newest_checkpoint() or workdir.path / _FOLDER
    return newest / _PREFIX if (newest / f"{_PREFIX}.index").exists() else None


def _has_same_state(earlier: Settings, settings: Settings) -> bool:
    """Whether the optimizers of two runs keep the same numbers, so that one can use the other's."""
    if earlier.optimizer != settings.optimizer:
        return False
    return settings.optimizer != "sgd" or bool(earlier.momentum) == bool(settings.momentum)


def _move_columns(
    name: str, value: np.ndarray, target: keras.Variable, columns: Shared
) -> np.ndarray:
    """What to assign to a weight or its state: `value`, its columns of facts where they belong.

    Columns that the earlier dataset lacks stay as they are in `target`.
    """
    if name not in USER_WEIGHTS:
        return value
    moved = np.array(target)
    moved[:, columns.new] = value[:, columns.earlier]
    return moved


def _copy_state(model: HashtagModel, prefix: Path, shared: Shared, columns: Shared) -> None:
    """Gives the optimizers of a model the state of an earlier run.

    That of the embedding's weights as it is, that of the rows for shared tags. Steps taken and
    learning rates stay the model's own, and so does the state of new tags.
    """
    slots, rows = _slots(model.optimizer), model.row_optimizer.state
    try:
        with unreadable():
            reader = tf.train.load_checkpoint(str(prefix))
            names = reader.get_variable_to_shape_map()
            # Precisions that scale the loss have more variables, all of them before the slots.
            end = sum(name.startswith("optimizer/") for name in names)
            places = range(end - len(slots), end)
            values = [reader.get_tensor(f"optimizer/{place}{_VALUE}") for place in places]
            tables = {name: reader.get_tensor(f"row_optimizer/{name}{_VALUE}") for name in rows}
            weights = model.embedding.trainable_variables
            for weight, slot, value in zip(weights, slots, values, strict=True):
                slot.assign(_move_columns(weight.name, value, slot, columns))
    except CheckpointError as error:
        raise UserError(
            f"{prefix.parent} cannot be read ({error}): restore a copy of it, or start from"
            " another run"
        ) from error
    for name, variable in rows.items():
        copy_rows(tables[name], variable, shared)


def _slots(optimizer: keras.optimizers.Optimizer) -> list[keras.Variable]:
    """The variables that there is one of for each weight."""
    inner = getattr(optimizer, "inner_optimizer", optimizer)  # of one that scales the loss
    own = {id(inner.iterations), id(inner.learning_rate)}
    return [variable for variable in inner.variables if id(variable) not in own]
