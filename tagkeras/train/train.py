"""The command `tagkeras.train`: prepares a run from its flags, and trains until it is over."""

import contextlib
import dataclasses
import sys
from pathlib import Path

import keras
import tensorflow as tf

from tagkeras.cli.errors import UserError
from tagkeras.data import input as data_input
from tagkeras.data.manifest import Manifest
from tagkeras.data.post_tags import split_batch
from tagkeras.data.training_input import TrainingInput
from tagkeras.data.vocabulary import Vocabulary
from tagkeras.train.average import WeightAverage
from tagkeras.train.callbacks import (
    PrintProgress,
    SaveCheckpoints,
    StopWithoutProgress,
    WriteHistory,
)
from tagkeras.train.config import OLDER, Config, check_flags
from tagkeras.train.defaults import choose_defaults
from tagkeras.train.doubts import find_doubts
from tagkeras.train.learning_rate import LearningRateSchedule
from tagkeras.train.loop import Hogwild, Stepper, train_epochs
from tagkeras.train.model import compile_model, make_model
from tagkeras.train.replicas import (
    Replicas,
    is_first_worker,
    lost_worker_errors,
    make_any_worker,
    make_strategy,
)
from tagkeras.train.tensorboard import TensorBoardLog
from tagkeras.train.warm_start import WarmStart
from tagkeras.train.workdir import Workdir

_VALIDATION_BATCH = 1024


class Run:
    """A training run, checked and restored, that is ready to start or resume; writes nothing yet.

    Attributes:
        workdir: of the run.
        model: compiled, with the weights to start from.
        state: where the run is.
        callbacks: of the loop, in order.
        chosen: a line for each option that no flag gave.
        writes: whether this process writes, of several that train together.
        is_over: whether there is nothing left to do.

    Raises:
        UserError: flags, the dataset and the workdir do not fit each other.
    """

    def __init__(self, config: Config) -> None:
        self.workdir = Workdir(config.workdir)
        self._dataset = Path(config.data)
        manifest = Manifest.load(self._dataset)
        check_flags(config, manifest)
        strategy = make_strategy(config.strategy)
        started = {**OLDER, **self.workdir.config()} if self.workdir.is_started else {}
        has_gpu = bool(tf.config.list_logical_devices("GPU"))
        config, self.chosen = choose_defaults(config, manifest, started, has_gpu=has_gpu)
        assert config.batch_size is not None
        assert config.epochs is not None
        assert config.steps_per_execution is not None
        self.config, self._epochs = config, config.epochs
        self.writes = config.strategy != "multi_worker" or is_first_worker()
        posts = TrainingInput(
            self._dataset,
            manifest,
            batch_size=config.batch_size,
            seed=config.seed,
            cache=config.cache,
        )
        self._validation = None
        if manifest.splits["validation"]["posts"]:
            self._validation = data_input.read_split(
                self._dataset, manifest, "validation", _VALIDATION_BATCH
            ).map(split_batch)
        self._found = self._find_progress()
        if self.workdir.is_started:
            self.workdir.check_resumable(config, self._dataset)
        else:
            self.workdir.check_unused()
        warm_start = None
        if config.warm_start and not self._found[1]:
            vocabulary = Vocabulary.load(self._dataset / "vocabulary.tsv")
            warm_start = WarmStart(Workdir(config.warm_start), config, manifest, vocabulary)

        with strategy.scope() if strategy else contextlib.nullcontext():
            self.model = make_model(config, manifest, precision=config.precision)
            compile_model(self.model, config)
            self._average = WeightAverage(self.model, config.averaged_epochs or 0, config.epochs)
        schedule = LearningRateSchedule(
            config.schedule, learning_rate=config.first_learning_rate, epochs=config.epochs
        )
        checkpoints = SaveCheckpoints(
            self.workdir,
            self.model,
            schedule,
            self._average,
            minutes=config.checkpoint_minutes,
            writes=self.writes,
            any_worker=make_any_worker(strategy) if config.strategy == "multi_worker" else bool,
        )
        self.state = checkpoints.restore(posts.steps_per_epoch)
        if warm_start:
            print(warm_start.apply(self.model), flush=True)
        self._stepper: Stepper
        if strategy:
            self._stepper = Replicas(self.model, posts, strategy, config.steps_per_execution)
        elif config.hogwild_threads:
            self._stepper = Hogwild(self.model, posts, config.hogwild_threads)
        else:
            self._stepper = Stepper(self.model, posts, config.steps_per_execution)
        early_stopping = StopWithoutProgress(self.state, config.early_stopping)
        self.is_over = self.state.epoch >= config.epochs or early_stopping.is_over
        # Whether to stop depends on the best epoch, which is found when it is saved.
        self.callbacks: list[keras.callbacks.Callback] = [
            schedule,
            *([WriteHistory(self.workdir.history, self.state.epoch)] if self.writes else []),
            checkpoints,
            early_stopping,
        ]
        if config.tensorboard:
            self.callbacks.append(TensorBoardLog(self.workdir, self.state, writes=self.writes))
        if not sys.stdout.isatty():
            self.callbacks.append(PrintProgress(self.state, config.batch_size))

    def train(self) -> None:
        """Trains until the run is over, with the workdir locked; `UserError`s as of `train`."""
        with self.workdir.locked() if self.writes else contextlib.nullcontext():
            if self.writes and self._found != self._find_progress():
                raise UserError(
                    f"another run was active in {self.workdir.path} just now: run the command again"
                )
            if self.writes and not self.workdir.is_started:
                self.workdir.start(dataclasses.asdict(self.config), self._dataset)
                print(*self.chosen, sep="\n", flush=True)
            elif self.state.global_step:
                print(f"resuming {self.workdir.path} after {self.state}", flush=True)
            try:
                with data_input.named_errors(self._dataset):
                    self.run_loop()
            except tf.errors.ResourceExhaustedError as error:
                raise UserError(
                    f"a step does not fit in memory ({str(error).splitlines()[0]}):"
                    " lower --batch_size"
                ) from error

    def find_doubts(self) -> list[str]:
        """Lines about what the run learned, once it is over."""
        return find_doubts(
            self.workdir.best_epoch(),
            steps_per_epoch=self.state.steps_per_epoch,
            num_tags=self.model.num_tags,
            validation=self._validation,
        )

    def run_loop(self) -> None:
        """Runs the training loop in a workdir that is started."""
        verbose = 1 if sys.stdout.isatty() else 2
        train_epochs(
            self._stepper,
            self.state,
            self.callbacks,
            average=self._average,
            epochs=self._epochs,
            validation=self._validation,
            verbose=verbose if self.writes else 0,
        )

    def _find_progress(self) -> tuple[bool, Path | None]:
        return self.workdir.is_started, self.workdir.newest_checkpoint()


def train(config: Config) -> Workdir:
    """Trains, or resumes training, until `config.epochs` are done.

    Returns:
        The workdir, with its checkpoints.

    Raises:
        UserError: the dataset or the workdir does not fit, and nothing was changed; or training
            cannot continue, and the checkpoints so far are kept.
    """
    with lost_worker_errors():
        run = Run(config)
        if not run.is_over:
            run.train()
            if run.writes:
                for doubt in run.find_doubts():
                    print(f"warning: {doubt}", flush=True)
    return run.workdir


def main(config: Config) -> None:
    """Trains and prints the best epoch."""
    if config.hogwild_threads:
        # Threads share the cores: a step that is spread over them as well would only wait.
        tf.config.threading.set_intra_op_parallelism_threads(1)
    workdir = train(config)
    if config.strategy == "multi_worker" and not is_first_worker():
        return
    best = workdir.best_epoch()
    scores = ", ".join(
        f"{name.removeprefix('val_')} {value:.4f}"
        for name, value in best.items()
        if name.startswith("val_")
    )
    epochs = config.epochs or workdir.config()["epochs"]
    epochs = max(epochs, best["epoch"])  # more were done before
    print(f"wrote {workdir.path}: best epoch {best['epoch']} of {epochs}", end="")
    print(f", validation {scores}" if scores else ", no validation posts to choose it by")
