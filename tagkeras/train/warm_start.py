"""A new run that starts from the weights of an earlier one, whose vocabulary was another."""

import functools
from collections.abc import Callable
from typing import NamedTuple

import tensorflow as tf

from tagkeras.cli.errors import UserError
from tagkeras.data.manifest import Manifest
from tagkeras.data.vocabulary import Vocabulary
from tagkeras.layers import project_max_norm
from tagkeras.models import HashtagModel
from tagkeras.train import optimizer_state
from tagkeras.train.restore import restore_model
from tagkeras.train.rows import SharedTags, copy_rows
from tagkeras.train.settings import Settings
from tagkeras.train.workdir import Workdir


class WarmStart(NamedTuple):
    """What came over from the earlier run.

    Attributes:
        known: tags that both vocabularies have.
        new: tags that only the new one has; their rows are fresh.
        gone: tags that only the earlier one has.
        has_optimizer_state: whether the optimizers' state came over as well.
    """

    known: int
    new: int
    gone: int
    has_optimizer_state: bool

    def describe(self, earlier: Workdir) -> str:
        """One line for people."""
        state = "with" if self.has_optimizer_state else "without"
        return (
            f"started from {earlier.path}: {self.known:,} tags known, {self.new:,} new,"
            f" {self.gone:,} left behind, {state} the optimizers' state"
        )


def check_warm_start(
    earlier: Workdir, *, settings: Settings, manifest: Manifest, vocabulary: Vocabulary
) -> None:
    """Makes sure that a run can start from an earlier one, before anything is made or written.

    Args:
        earlier: workdir of the earlier run.
        settings: of the new run.
        manifest: of its dataset.
        vocabulary: of its dataset.

    Raises:
        UserError: no run or no finished epoch there, another model or other sizes, other image or
            user descriptors, or no tag in common.
    """
    _compare(earlier, settings, manifest, vocabulary)


def warm_start(
    model: HashtagModel,
    earlier: Workdir,
    *,
    settings: Settings,
    manifest: Manifest,
    vocabulary: Vocabulary,
) -> WarmStart:
    """Gives a fresh model what an earlier run has learned.

    The embedding's weights and, tag by tag by name, the rows of the table are those of the earlier
    run's best epoch; rows above the new run's max-norm are projected. The optimizers' state of
    these weights and rows is that of its newest checkpoint, if both runs have the same optimizer:
    Adagrad's first steps from a fresh state are as long as the learning rate in every coordinate,
    whatever the gradient, and would undo much of what was learned. Tags that are new keep their
    fresh rows and fresh state.

    Args:
        model: made by `settings.make_model(manifest)` and compiled, before its first step.
        earlier: workdir of the earlier run.
        settings: of the new run.
        manifest: of its dataset.
        vocabulary: of its dataset.

    Returns:
        How many tags were known, and more.

    Raises:
        UserError: as `check_warm_start`, or the earlier run's newest checkpoint is damaged; the
            model is then of no use.
    """
    shared = _compare(earlier, settings, manifest, vocabulary)
    num_earlier_tags = earlier.manifest().num_tags
    earlier_settings = Settings.of(earlier.config())
    _copy_weights(restore_model(earlier), model, shared, earlier_settings.max_norm)
    state = optimizer_state.find_state(earlier)
    takes_state = state is not None and optimizer_state.has_same_state(earlier_settings, settings)
    if state is not None and takes_state:
        optimizer_state.copy_state(model, state, earlier_settings, num_earlier_tags, shared)
    num_new = len(vocabulary) - len(shared)
    return WarmStart(len(shared), num_new, num_earlier_tags - len(shared), takes_state)


def _compare(
    earlier: Workdir, settings: Settings, manifest: Manifest, vocabulary: Vocabulary
) -> SharedTags:
    """The tags in common, after the checks of `check_warm_start`."""
    theirs = Settings.of(earlier.config())
    earlier.best_epoch()  # raises without one
    names = ["model", "embedding_dim"]
    if settings.model == "multiplicative":
        names += ["rank", "user_hidden"]
    differing = [
        f"--{name}={getattr(theirs, name)} (now {getattr(settings, name)})"
        for name in names
        if getattr(theirs, name) != getattr(settings, name)
    ]
    if differing:
        raise UserError(
            f"{earlier.path} was trained with {', '.join(differing)}:"
            " give the same flags to start from it"
        )
    before = earlier.manifest()
    for what, ours, other in (
        ("image descriptors", manifest.descriptor_size, before.descriptor_size),
        ("image descriptors (another CNN)", manifest.cnn, before.cnn),
        ("user descriptors", manifest.user_descriptor, before.user_descriptor),
    ):
        if ours != other:
            raise UserError(
                f"{earlier.path} was trained on other {what} than this dataset has: preprocess the"
                " posts as that run's were, with the same CNN, --countries and --location_decimals"
            )
    shared = SharedTags.of(earlier.vocabulary(), vocabulary)
    if not len(shared):
        raise UserError(f"{earlier.path} knows none of the tags of this dataset")
    return shared


def _copy_weights(
    earlier: HashtagModel, model: HashtagModel, shared: SharedTags, earlier_max_norm: float
) -> None:
    for weight, value in zip(model.embedding.weights, earlier.embedding.weights, strict=True):
        weight.assign(value.numpy())
    copy_rows(
        earlier.tag_table.value,
        model.tag_table.value,
        shared,
        _projection(model.max_norm, earlier_max_norm),
    )


def _projection(
    max_norm: float | None, earlier_max_norm: float
) -> Callable[[tf.Tensor], tf.Tensor] | None:
    """What brings the rows of the earlier run into the ball of the new one; None if they are.

    A norm that is the radius but for rounding would change bits for nothing.
    """
    if max_norm is None or 0 < earlier_max_norm <= max_norm:
        return None
    return functools.partial(project_max_norm, radius=max_norm, axis=1)
