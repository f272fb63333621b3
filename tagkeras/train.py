"""Trains a model on a dataset of `beam.preprocess`, in a workdir that can be gone on with.

    python -m tagkeras.train --data=DATASET --workdir=WORKDIR

The same command in the same workdir resumes: at the first epoch that was not finished, to the same
weights that an uninterrupted run ends with.
"""

import dataclasses
import sys
from pathlib import Path

from tagkeras.commandline import option, run
from tagkeras.data import input as data_input
from tagkeras.data.manifest import Manifest
from tagkeras.errors import UserError
from tagkeras.training.checkpoints import Checkpoints
from tagkeras.training.history import History
from tagkeras.training.learning_rate import SCHEDULES, make_schedule
from tagkeras.training.settings import Settings
from tagkeras.training.workdir import Workdir

# A run may go on with other values of these.
FREE = frozenset({"data", "workdir", "epochs"})


@dataclasses.dataclass(frozen=True, kw_only=True)
class Config(Settings):
    """The options of this command."""

    data: str = option(help="dataset folder that beam.preprocess wrote")
    workdir: str = option(help="folder of this run; an interrupted run goes on in its own")
    batch_size: int = option(512, help="posts in a step", minimum=1)
    epochs: int = option(15, help="passes over the training posts", minimum=1)
    schedule: str = option(
        "linear",
        help="learning rate: linear (down to 0 over the epochs), plateau (a tenth when validation"
        " P@1 stops improving), constant",
        choices=SCHEDULES,
    )


def train(config: Config) -> Workdir:
    """Trains, or goes on training, until `config.epochs` are done.

    Returns:
        The workdir, with its checkpoints.

    Raises:
        UserError: the dataset or the workdir does not fit; nothing was changed.
    """
    dataset = Path(config.data)
    manifest = Manifest.load(dataset)
    if manifest.num_tags < 2:
        raise UserError(
            f"{dataset} has a vocabulary of {manifest.num_tags} tag: ranking needs at least 2;"
            " preprocess posts with more hashtags, or lower --min_tag_count"
        )
    # These fail on a dataset that is not all there, before anything is written.
    has_validation = bool(manifest.splits["validation"]["posts"])
    steps = data_input.steps_per_epoch(manifest, config.batch_size)
    validation = (
        data_input.read_split(dataset, manifest, "validation", 1024) if has_validation else None
    )
    if config.schedule == "plateau" and not has_validation:
        raise UserError(f"{dataset} has no validation posts: choose another --schedule")

    workdir = Workdir(config.workdir)
    settings = dataclasses.asdict(config)
    if workdir.is_started:
        workdir.check(settings, dataset, FREE)

    model = config.make_model(manifest)
    config.compile(model)
    schedule = make_schedule(
        config.schedule, learning_rate=config.first_learning_rate, epochs=config.epochs
    )
    checkpoints = Checkpoints(workdir, model, schedule)
    epochs_done = checkpoints.restore()
    posts = data_input.read_epochs(
        dataset,
        manifest,
        batch_size=config.batch_size,
        seed=config.seed,
        first_epoch=epochs_done,
        epochs=config.epochs,
    )
    if not workdir.is_started:
        workdir.start(settings, dataset)
    elif epochs_done:
        print(f"going on in {workdir.path} after epoch {epochs_done}", flush=True)
    if epochs_done < config.epochs:
        with data_input.named_errors(dataset):
            model.fit(
                posts,
                validation_data=validation,
                initial_epoch=epochs_done,
                epochs=config.epochs,
                steps_per_epoch=steps,
                callbacks=[schedule, History(workdir, epochs_done), checkpoints],
                verbose=1 if sys.stdout.isatty() else 2,
                shuffle=False,
            )
    return workdir


def main(config: Config) -> None:
    """Trains and says what came of it."""
    workdir = train(config)
    best = workdir.best_epoch()
    scores = ", ".join(
        f"{name.removeprefix('val_')} {value:.4f}"
        for name, value in best.items()
        if name.startswith("val_")
    )
    print(f"wrote {workdir.path}: best epoch {best['epoch']} of {config.epochs}", end="")
    print(f", validation {scores}" if scores else ", no validation posts to choose it by")


if __name__ == "__main__":
    run(main, Config)
