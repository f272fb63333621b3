"""Trains a model on a dataset of `beam.preprocess`, in a workdir that can be gone on with.

    python -m tagkeras.train --data=DATASET --workdir=WORKDIR

The same command in the same workdir resumes: at the step of the newest checkpoint, to the same
weights that an uninterrupted run ends with.
"""

import contextlib
import dataclasses
import sys
from pathlib import Path

import keras
import tensorflow as tf

from tagkeras.cli.commandline import run as run_command
from tagkeras.cli.errors import UserError
from tagkeras.data import input as data_input
from tagkeras.train.config import Config
from tagkeras.train.epoch_loop import run_epochs
from tagkeras.train.replicas import is_first_worker, lost_workers_named
from tagkeras.train.run import Run, prepare
from tagkeras.train.workdir import Workdir
from tagkeras.train.workdir_lock import locked


def fit(run: Run) -> None:
    """Trains until the run is over."""
    verbose = 1 if sys.stdout.isatty() else 2
    if run.taker:
        with lost_workers_named():
            run_epochs(
                run.taker,
                run.callbacks,
                steps_per_epoch=run.posts.steps_per_epoch,
                first_epoch=run.state.epoch,
                epochs=run.config.epochs,
                first_step=run.state.step,
                validation=run.validation,
                verbose=verbose if run.is_chief else 0,
            )
        return
    for first_epoch, first_step, epochs in run.stretches():
        steps = run.posts.steps_per_epoch - first_step
        batches = run.posts.batches(first_epoch=first_epoch, first_step=first_step, epochs=epochs)
        run.model.fit(
            batches,
            validation_data=run.validation,
            initial_epoch=first_epoch,
            epochs=epochs,
            steps_per_epoch=steps,
            callbacks=keras.callbacks.CallbackList(
                run.callbacks,
                add_history=True,
                add_progbar=True,
                model=run.model,
                verbose=verbose,
                epochs=run.config.epochs,
                steps=steps,
            ),
            shuffle=False,
        )
        if run.model.stop_training:
            break


def train(config: Config) -> Workdir:
    """Trains, or goes on training, until `config.epochs` are done.

    Returns:
        The workdir, with its checkpoints.

    Raises:
        UserError: the dataset or the workdir does not fit, and nothing was changed; or training
            cannot go on, and the checkpoints so far are kept.
    """
    with lost_workers_named():
        run = prepare(config)
    if run.is_over:
        return run.workdir
    with locked(run.workdir) if run.is_chief else contextlib.nullcontext():
        if run.is_chief and run.found != (
            run.workdir.is_started,
            run.workdir.newest_checkpoint(),
        ):
            raise UserError(
                f"another run was at work in {run.workdir.path} just now: give the command again"
            )
        if run.is_chief and not run.workdir.is_started:
            run.workdir.start(dataclasses.asdict(config), Path(config.data))
        elif run.state.global_step:
            print(f"going on in {run.workdir.path} after {run.state}", flush=True)
        try:
            with data_input.named_errors(Path(config.data)):
                fit(run)
        except tf.errors.ResourceExhaustedError as error:
            raise UserError(
                f"a step does not fit in memory ({str(error).splitlines()[0]}): lower --batch_size"
            ) from error
    return run.workdir


def main(config: Config) -> None:
    """Trains and says what came of it."""
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
    epochs = max(config.epochs, best["epoch"])  # more were done before
    print(f"wrote {workdir.path}: best epoch {best['epoch']} of {epochs}", end="")
    print(f", validation {scores}" if scores else ", no validation posts to choose it by")


if __name__ == "__main__":
    run_command(main, Config)
