"""Runs on a tiny dataset: 600 posts, 12 steps an epoch."""

import numpy as np
import tensorflow as tf

from tagkeras.cli import commandline
from tagkeras.train.config import Config
from tagkeras.train.model import restore_model

EPOCHS = 3
STEPS = 12
# Adagrad with rank weights, which learns a tiny dataset in few epochs.
ADAGRAD = {
    "optimizer": "adagrad",
    "rank_weight": "harmonic",
    "margin": 0.1,
    "tag_stddev": 0.1,
    "user_hidden": 24,
    "user_offset": False,
    "fact_dropout": 0,
    "descriptor_dropout": 0,
}


def parse_flags(config_class, **options):
    return commandline.parse(config_class, [f"--{k}={v}" for k, v in options.items()])


def make_config(dataset, workdir, **options):
    sizes = {"batch_size": 50, "epochs": EPOCHS, "rank": 8, "embedding_dim": 8}
    hidden = {"descriptor_dropout": 0.1, "fact_dropout": 0.1, "averaged_epochs": 0}
    options = {**sizes, **hidden, "steps_per_execution": 1, "schedule": "linear", **options}
    return parse_flags(Config, data=dataset, workdir=workdir, **options)


def checkpoint_names(workdir):
    return sorted(
        (path.name for path in workdir.checkpoints.iterdir()),
        key=lambda name: int(name.removeprefix("step-")),
    )


def read_variables(prefix):
    reader = tf.train.load_checkpoint(str(prefix))
    names = [name for name in reader.get_variable_to_shape_map() if not name.startswith("_")]
    return {name: reader.get_tensor(name) for name in names}


def assert_same_run(one, other):
    """To the last bit: the best weights, the last checkpoint with all optimizer state, history."""
    models = restore_model(one), restore_model(other)
    for a, b in zip(*(model.weights for model in models), strict=True):
        np.testing.assert_array_equal(a, b)
    last = [workdir.checkpoints / checkpoint_names(workdir)[-1] for workdir in (one, other)]
    assert last[0].name == last[1].name
    variables = [read_variables(path / "variables") for path in last]
    assert variables[0].keys() == variables[1].keys()
    assert any("accumulator" in name or "velocity" in name for name in variables[0])
    for name, value in variables[0].items():
        np.testing.assert_array_equal(value, variables[1][name], err_msg=name)
    assert (last[0] / "state.json").read_text() == (last[1] / "state.json").read_text()
    assert one.history.read_bytes() == other.history.read_bytes()
    assert one.best_epoch() == other.best_epoch()
