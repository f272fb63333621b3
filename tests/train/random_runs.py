"""Earlier runs without training: workdirs whose numbers are random."""

import dataclasses

import numpy as np

from tagkeras.data.manifest import Manifest
from tagkeras.data.vocabulary import Vocabulary
from tagkeras.train.callbacks import SaveCheckpoints
from tagkeras.train.config import Settings
from tagkeras.train.learning_rate import LearningRateSchedule
from tagkeras.train.model import compile_model, make_model
from tagkeras.train.warm_start import WarmStart
from tagkeras.train.workdir import Workdir

# What the row optimizers keep for each tag.
NAMES = {"adagrad": "accumulator", "sgd": "velocity"}


def make_settings(**options):
    return Settings(**{"embedding_dim": 4, "rank": 5, "user_hidden": 3, **options})


def make_dataset(folder, tags, **changes):
    folder.mkdir()
    Vocabulary(tuple(tags), np.zeros(len(tags), np.int64)).save(folder / "vocabulary.tsv")
    user = {"countries": ["US"], "location_decimals": 1, "size": 6}
    values = {"descriptor_size": 7, "user_descriptor": user, **changes}
    Manifest(descriptor_dtype="float32", num_tags=len(tags), splits={}, **values).save(folder)
    return folder


def make_run(folder, settings, tags=("a", "b", "c", "d")):
    """A workdir as after an epoch, all of whose numbers are random; and its model."""
    workdir = Workdir(folder / "earlier")
    dataset = make_dataset(folder / "earlier_dataset", tags)
    workdir.start(dataclasses.asdict(settings), dataset)
    model = make_model(settings, Manifest.load(dataset))
    compile_model(model, settings)
    rng = np.random.default_rng(0)
    state = getattr(model.row_optimizer, NAMES[settings.optimizer])
    for variable in [*model.embedding.weights, model.tag_table, *model.optimizer.variables, state]:
        if len(variable.shape):
            variable.assign(rng.random(variable.shape) / 10)
    schedule = LearningRateSchedule("constant", learning_rate=0.1, epochs=1)
    checkpoints = SaveCheckpoints(workdir, model, schedule)
    checkpoints.set_model(model)
    checkpoints.restore(1)
    checkpoints.on_epoch_end(0, {})
    return workdir, model


def start(folder, workdir, settings, tags=("x", "d", "a", "y", "b")):
    """A fresh model that starts from a workdir, its table before that, and what was said."""
    dataset = make_dataset(folder / "dataset", tags)
    manifest, vocabulary = Manifest.load(dataset), Vocabulary.load(dataset / "vocabulary.tsv")
    model = make_model(settings, manifest)
    compile_model(model, settings)
    fresh = model.tag_table.numpy()
    return model, fresh, WarmStart(workdir, settings, manifest, vocabulary).apply(model)
