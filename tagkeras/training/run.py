"""A training run, from its flags to all that it takes to go on."""

import dataclasses
import sys
from collections.abc import Iterator
from pathlib import Path

import keras
import tensorflow as tf

from tagkeras.data import input as data_input
from tagkeras.data.manifest import Manifest
from tagkeras.data.training_input import TrainingInput
from tagkeras.errors import UserError
from tagkeras.models.hashtag_model import HashtagModel
from tagkeras.training.checkpoints import Checkpoints
from tagkeras.training.config import FREE, Config
from tagkeras.training.divergence import Divergence
from tagkeras.training.early_stopping import EarlyStopping
from tagkeras.training.history import History
from tagkeras.training.learning_rate import make_schedule
from tagkeras.training.progress_lines import ProgressLines
from tagkeras.training.run_state import RunState, StepCounter
from tagkeras.training.tensorboard import TensorBoard
from tagkeras.training.workdir import Workdir


@dataclasses.dataclass(frozen=True, kw_only=True)
class Run:
    """A run that is ready to go on.

    Attributes:
        config: of the command.
        workdir: of the run.
        model: compiled, with the weights to go on from.
        posts: to train on.
        validation: batches to validate on; None without validation posts.
        state: where the run is; the callbacks keep it up to date.
        callbacks: for `keras.callbacks.CallbackList`, in this order. They take the batches of an
            epoch by their number since training was started or gone on with in that epoch.
        is_over: whether there is nothing left to do.
    """

    config: Config
    workdir: Workdir
    model: HashtagModel
    posts: TrainingInput
    validation: tf.data.Dataset | None
    state: RunState
    callbacks: list[keras.callbacks.Callback]
    is_over: bool

    def stretches(self) -> Iterator[tuple[int, int, int]]:
        """What one dataset after the other has to give.

        The rest of an epoch that was left unfinished is a stretch, and all other epochs are one,
        so that each is read ahead while the one before it ends. Where executions of several steps
        would reach over the end of an epoch, each epoch is a stretch.

        Yields:
            The first epoch, its first step, and the last epoch plus 1.
        """
        epoch, step, epochs = self.state.epoch, self.state.step, self.config.epochs
        if step and epoch < epochs:
            yield epoch, step, epoch + 1
            epoch += 1
        is_even = self.posts.steps_per_epoch % self.config.steps_per_execution == 0
        size = max(epochs - epoch, 1) if is_even else 1
        for first in range(epoch, epochs, size):
            yield first, 0, first + size


def prepare(config: Config) -> Run:
    """Checks everything, makes the model and restores the newest checkpoint; writes nothing.

    Raises:
        UserError: the dataset or the workdir does not fit.
    """
    dataset = Path(config.data)
    manifest = Manifest.load(dataset)
    _check_flags(config, dataset, manifest)
    posts = TrainingInput(
        dataset, manifest, batch_size=config.batch_size, seed=config.seed, cache=config.cache
    )
    validation = (
        data_input.read_split(dataset, manifest, "validation", 1024)
        if manifest.splits["validation"]["posts"]
        else None
    )
    workdir = Workdir(config.workdir)
    if workdir.is_started:
        fields = dataclasses.fields(Config)
        defaults = {f.name: f.default for f in fields if f.default is not dataclasses.MISSING}
        workdir.check(dataclasses.asdict(config), dataset, free=FREE, defaults=defaults)
    else:
        workdir.check_unused()

    model = config.make_model(manifest, precision=config.precision)
    config.compile(model, post_store=posts.store, steps_per_execution=config.steps_per_execution)
    schedule = make_schedule(
        config.schedule, learning_rate=config.first_learning_rate, epochs=config.epochs
    )
    checkpoints = Checkpoints(workdir, model, schedule, minutes=config.checkpoint_minutes)
    state = checkpoints.restore(posts.steps_per_epoch)
    early_stopping = EarlyStopping(state, config.early_stopping)
    # Each may rely on those before it: what is counted is watched, what is sound is saved.
    callbacks = [
        StepCounter(state),
        Divergence(state),
        schedule,
        History(workdir, state.epoch),
        checkpoints,
        early_stopping,
    ]
    if config.tensorboard:
        callbacks.append(TensorBoard(workdir, state))
    if not sys.stdout.isatty():
        callbacks.append(ProgressLines(state, config.batch_size))
    return Run(
        config=config,
        workdir=workdir,
        model=model,
        posts=posts,
        validation=validation,
        state=state,
        callbacks=callbacks,
        is_over=state.epoch >= config.epochs or early_stopping.is_over,
    )


def _check_flags(config: Config, dataset: Path, manifest: Manifest) -> None:
    """Refuses flags that do not go together, or not with the dataset."""
    if manifest.num_tags < 2:
        raise UserError(
            f"{dataset} has a vocabulary of {manifest.num_tags} tag: ranking needs at least 2;"
            " preprocess posts with more hashtags, or lower --min_tag_count"
        )
    if not manifest.splits["validation"]["posts"]:
        if config.schedule == "plateau":
            raise UserError(f"{dataset} has no validation posts: choose another --schedule")
        if config.early_stopping:
            raise UserError(f"{dataset} has no validation posts: leave out --early_stopping")
    if config.jit_compile and config.loss == "warp" and config.sampler == "sequential":
        raise UserError(
            "--jit_compile: XLA cannot compile --sampler=sequential: choose another --sampler or"
            " leave out --jit_compile"
        )
