"""A training run, from its flags to all that it takes to go on."""

import contextlib
import dataclasses
import sys
from collections.abc import Iterator
from pathlib import Path

import keras
import tensorflow as tf

from tagkeras.data import input as data_input
from tagkeras.data.manifest import Manifest
from tagkeras.data.post_tags import split_batch
from tagkeras.data.training_input import TrainingInput
from tagkeras.data.vocabulary import Vocabulary
from tagkeras.models import HashtagModel
from tagkeras.train.checkpoints import Checkpoints
from tagkeras.train.config import FREE, Config
from tagkeras.train.divergence import Divergence
from tagkeras.train.early_stopping import EarlyStopping
from tagkeras.train.epoch_loop import StepTaker
from tagkeras.train.flag_checks import check_flags
from tagkeras.train.history import History
from tagkeras.train.hogwild import Hogwild
from tagkeras.train.learning_rate import make_schedule
from tagkeras.train.progress_lines import ProgressLines
from tagkeras.train.replicas import (
    Replicas,
    is_first_worker,
    make_agreement,
    make_strategy,
)
from tagkeras.train.run_state import RunState, StepCounter
from tagkeras.train.tensorboard import TensorBoard
from tagkeras.train.warm_start import check_warm_start, warm_start
from tagkeras.train.workdir import Workdir


@dataclasses.dataclass(frozen=True, kw_only=True)
class Run:
    """A run that is ready to go on.

    Attributes:
        config: of the command.
        workdir: of the run.
        model: compiled, with the weights to go on from.
        posts: to train on.
        validation: batches to validate on; None without validation posts.
        steps_at_once: steps that `fit` takes between two looks at the loss and the clock.
        taker: of the steps; None for those that Keras's `fit` takes.
        state: where the run is; the callbacks keep it up to date.
        callbacks: for `keras.callbacks.CallbackList`, in this order. They take the batches of an
            epoch by their number since training was started or gone on with in that epoch.
        is_over: whether there is nothing left to do.
        is_chief: whether this process writes: of several workers, one does.
        found: whether the workdir was started, and its newest checkpoint, when it was looked at.
    """

    config: Config
    workdir: Workdir
    model: HashtagModel
    posts: TrainingInput
    validation: tf.data.Dataset | None
    steps_at_once: int
    taker: StepTaker | None
    state: RunState
    callbacks: list[keras.callbacks.Callback]
    is_over: bool
    is_chief: bool
    found: tuple[bool, Path | None]

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
        is_even = self.posts.steps_per_epoch % self.steps_at_once == 0
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
    check_flags(config, dataset, manifest)
    strategy = make_strategy(config.strategy)
    is_chief = config.strategy != "multi_worker" or is_first_worker()
    posts = TrainingInput(
        dataset, manifest, batch_size=config.batch_size, seed=config.seed, cache=config.cache
    )
    validation = (
        data_input.read_split(dataset, manifest, "validation", 1024).map(split_batch)
        if manifest.splits["validation"]["posts"]
        else None
    )
    steps_at_once = min(config.steps_per_execution, posts.steps_per_epoch)
    workdir = Workdir(config.workdir)
    if workdir.is_started:
        fields = dataclasses.fields(Config)
        defaults = {f.name: f.default for f in fields if f.default is not dataclasses.MISSING}
        # A run that has a checkpoint does not look at the earlier one any more.
        free = FREE | ({"warm_start"} if workdir.newest_checkpoint() else set())
        workdir.check(dataclasses.asdict(config), dataset, free=free, defaults=defaults)
    else:
        workdir.check_unused()
    found = workdir.is_started, workdir.newest_checkpoint()
    earlier = Workdir(config.warm_start) if config.warm_start and not found[1] else None
    if earlier:
        vocabulary = Vocabulary.load(dataset / "vocabulary.tsv")
        check_warm_start(earlier, settings=config, manifest=manifest, vocabulary=vocabulary)

    with strategy.scope() if strategy else contextlib.nullcontext():
        model = config.make_model(manifest, precision=config.precision)
        config.compile(model, post_store=posts.store, steps_per_execution=steps_at_once)
    schedule = make_schedule(
        config.schedule, learning_rate=config.first_learning_rate, epochs=config.epochs
    )
    checkpoints = Checkpoints(
        workdir,
        model,
        schedule,
        minutes=config.checkpoint_minutes,
        writes=is_chief,
        agree=make_agreement(strategy) if config.strategy == "multi_worker" else bool,
    )
    state = checkpoints.restore(posts.steps_per_epoch)
    if earlier:
        started = warm_start(
            model, earlier, settings=config, manifest=manifest, vocabulary=vocabulary
        )
        print(started.describe(earlier), flush=True)
    taker: StepTaker | None = None
    if strategy:
        taker = Replicas(model, posts, strategy, steps_at_once)
    elif config.hogwild_threads:
        taker = Hogwild(model, posts, config.hogwild_threads)
    early_stopping = EarlyStopping(state, config.early_stopping)
    # Each may rely on those before it: what is counted is watched, what is sound is saved.
    callbacks = [
        StepCounter(state),
        Divergence(state),
        schedule,
        *([History(workdir, state.epoch)] if is_chief else []),
        checkpoints,
        early_stopping,
    ]
    if config.tensorboard:
        callbacks.append(TensorBoard(workdir, state, writes=is_chief))
    if not sys.stdout.isatty():
        callbacks.append(ProgressLines(state, config.batch_size))
    return Run(
        config=config,
        workdir=workdir,
        model=model,
        posts=posts,
        validation=validation,
        steps_at_once=steps_at_once,
        taker=taker,
        state=state,
        callbacks=callbacks,
        is_over=state.epoch >= config.epochs or early_stopping.is_over,
        is_chief=is_chief,
        found=found,
    )
